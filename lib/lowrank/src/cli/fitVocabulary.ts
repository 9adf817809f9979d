/** Adapters that PEFT saves after `resize_token_embeddings` are for another vocabulary than the model's. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { type LlamaForCausalLM, Tokenizer } from '../llama';
import { openAdapterTensors } from '../peft/files/adapterTensors';
import { vocabularyOf } from '../peft/layers/embeddingLayers';
import { UsageError } from './usageError';

/**
 * Resizes a model to the vocabulary of the adapter in a folder, and returns the tokenizer to use with it: the folder's own, which is saved beside
 * such an adapter, or the model's where nothing changes or there is no adapter.
 *
 * @throws UsageError when the folder has no tokenizer for its vocabulary.
 */
export async function fitVocabulary(
  { model, tokenizer }: { readonly model: LlamaForCausalLM; readonly tokenizer: Tokenizer },
  folder: string | undefined,
): Promise<Tokenizer> {
  if (folder === undefined) return tokenizer;
  const size = vocabularyOf(openAdapterTensors(folder));
  const { vocabSize } = model.config;
  if (size === undefined || size === vocabSize) return tokenizer;
  if (!fs.existsSync(nodePath.join(folder, 'tokenizer.json'))) {
    throw new UsageError(
      `${folder} is for a model with ${size} tokens, and the model has ${vocabSize}; the tokenizer of the ${size} tokens is missing: put its tokenizer.json and tokenizer_config.json into ${folder}`,
    );
  }
  const own = await Tokenizer.fromPretrained(folder);
  if (own.vocabSize > size)
    throw new UsageError(`${folder} is for a model with ${size} tokens, and its tokenizer.json has ${own.vocabSize}`);
  model.resizeTokenEmbeddings(size);
  return own;
}
