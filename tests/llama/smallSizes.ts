/** A LLaMA that is small but has whole blocks of 32 values in each row, as the formats of stored weights need. */
export const SMALL_SIZES = {
  vocabSize: 40,
  hiddenSize: 32,
  intermediateSize: 64,
  numHiddenLayers: 2,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
};
