import { LlamaForCausalLM } from 'lowrank';
import type { ReviewerTokenizer } from 'lowrank-review';

/** A token per UTF-16 unit below 126; 127 ends a text. */
export const letterTokenizer: ReviewerTokenizer = {
  eosTokenId: 127,
  encode: (text) => text.split('').map((character) => Math.min(126, character.charCodeAt(0))),
  decode: (ids) => String.fromCharCode(...ids),
};

/** A small random model over those letters. */
export function letterModel(seed = 3): LlamaForCausalLM {
  return LlamaForCausalLM.fromConfig(
    {
      vocabSize: 128,
      hiddenSize: 32,
      intermediateSize: 48,
      numHiddenLayers: 1,
      numAttentionHeads: 4,
      numKeyValueHeads: 2,
      maxPositionEmbeddings: 1024,
      eosTokenId: 127,
      initializerRange: 0.3,
    },
    { seed },
  );
}
