import fs from 'node:fs';
import { AdaptionPromptConfig, getPeftModel, LlamaForCausalLM, LoraConfig, type PeftConfig, Tokenizer } from 'lowrank';
import { defaultModelPath } from '../../../lib/lowrank/src/cli/defaultModel';
import { fill } from '../../peft/tinyModel';

/** The first tokens of the course's model. With all 49,152, a command reads its tokenizer for longer than most of them run. */
export const vocabSize = 4096;

/** A model folder: a tiny random LLaMA with the tokenizer of the course's model, which is cut to the first tokens. */
export async function saveSmallModel(folder: string): Promise<void> {
  const tokenizer = await Tokenizer.fromPretrained(defaultModelPath());
  const model = smallModel();
  model.savePretrained(folder);
  tokenizer.savePretrained(folder);
  cutVocabulary(`${folder}/tokenizer.json`);
  model.dispose();
}

/** Keeps the merges whose result is among the first tokens. */
function cutVocabulary(file: string): void {
  const tokenizer = JSON.parse(fs.readFileSync(file, 'utf8')) as {
    model: { vocab: Record<string, number>; merges: [string, string][] };
  };
  const { vocab, merges } = tokenizer.model;
  const isKept = (token: string) => (vocab[token] ?? vocabSize) < vocabSize;
  tokenizer.model.merges = merges.filter((pair) => isKept(pair.join('')));
  tokenizer.model.vocab = Object.fromEntries(Object.entries(vocab).filter(([token]) => isKept(token)));
  fs.writeFileSync(file, JSON.stringify(tokenizer));
}

/** Adapters for the three tasks below a folder, each with an effect of its own. */
export function saveSmallAdapters(folder: string, kinds: Readonly<Record<string, PeftConfig>> = lora): void {
  let seed = 1;
  for (const [task, config] of Object.entries(kinds)) {
    const peft = getPeftModel(smallModel(), config);
    fill(peft.trainableParameters().values(), seed++);
    peft.savePretrained(`${folder}/${task}`);
    peft.dispose();
  }
}

const lora = { necessity: new LoraConfig(), comment: new LoraConfig({ r: 4 }), refinement: new LoraConfig() };

/** Two kinds of adapters, which a model cannot have at the same time. */
export const mixedKinds = { ...lora, comment: new AdaptionPromptConfig({ adapterLen: 4, adapterLayers: 1 }) };

/** The tiny model before it is adapted. */
export function smallModel(layers = 1): LlamaForCausalLM {
  return LlamaForCausalLM.fromConfig(
    {
      vocabSize,
      hiddenSize: 16,
      intermediateSize: 24,
      numHiddenLayers: layers,
      numAttentionHeads: 2,
      numKeyValueHeads: 1,
      maxPositionEmbeddings: 2048,
      bosTokenId: 1,
      eosTokenId: 2,
      tieWordEmbeddings: true,
      initializerRange: 0.3,
    },
    { seed: 5 },
  );
}
