/** The models whose sizes the drawings show. */
import type { LlamaConfigOptions } from 'lowrank';

/** The course's model, HuggingFaceTB/SmolLM2-135M-Instruct. */
export const SMOLLM2: LlamaConfigOptions & { readonly numKeyValueHeads: number } = {
  vocabSize: 49_152,
  hiddenSize: 576,
  intermediateSize: 1536,
  numHiddenLayers: 30,
  numAttentionHeads: 9,
  numKeyValueHeads: 3,
  tieWordEmbeddings: true,
};

/** LLaMA-7B, the model of LLaMA-Reviewer (Touvron et al. 2023, table 2). */
export const LLAMA_7B: LlamaConfigOptions = {
  vocabSize: 32_000,
  hiddenSize: 4096,
  intermediateSize: 11_008,
  numHiddenLayers: 32,
  numAttentionHeads: 32,
};
