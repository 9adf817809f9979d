import { AdaptionPromptConfig, getPeftModel, LlamaForCausalLM, LoraConfig, type PeftConfig, Tokenizer } from 'lowrank';
import { defaultModelPath } from '../../../lib/lowrank/src/cli/defaultModel';
import { fill } from '../../peft/tinyModel';

/** A model folder: a tiny random LLaMA with the vocabulary and the tokenizer of the course's model. */
export async function saveSmallModel(folder: string): Promise<void> {
  const tokenizer = await Tokenizer.fromPretrained(defaultModelPath());
  const model = smallModel();
  model.savePretrained(folder);
  tokenizer.savePretrained(folder);
  model.dispose();
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
export const mixedKinds = { ...lora, comment: new AdaptionPromptConfig({ adapterLen: 4, adapterLayers: 2 }) };

/** The tiny model before it is adapted. */
export function smallModel(): LlamaForCausalLM {
  return LlamaForCausalLM.fromConfig(
    {
      vocabSize: 49152,
      hiddenSize: 16,
      intermediateSize: 24,
      numHiddenLayers: 2,
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
