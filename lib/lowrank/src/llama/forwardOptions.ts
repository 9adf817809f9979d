/** The options of a model's forward pass and of its loss. */
import type { tf } from '../runtime';
import type { TokenRows } from './checkInputs';
import type { KeyValueCache } from './generation/growingCache';

/** Optional inputs beside the token ids. */
export interface InputOptions {
  /**
   * 1 on tokens, 0 on padding, on either side; token positions are counted from it. With a cache, it covers the cached tokens too.
   * Shapes: (B, S).
   */
  readonly attentionMask?: TokenRows;
  /**
   * Packs several texts into one row. Contiguous tokens with the same number form one text, which attends only to itself and starts at
   * position 0. Padding counts as one more text, usually 0. Excludes `attentionMask` and `cache`. Shapes: (B, T).
   */
  readonly segmentIds?: TokenRows;
}

/** Options of a forward pass. */
export interface ForwardOptions extends InputOptions {
  /** Contains the preceding tokens, and receives the new ones. */
  readonly cache?: KeyValueCache;
  /** Number of logits to compute, counted from the end of the rows. @defaultValue all */
  readonly logitsToKeep?: number;
}

/** Optional inputs beside the token ids and their labels. */
export interface LossOptions extends InputOptions {
  /**
   * For labels in a tensor, which is not read: the positions whose next label is not −100, counted through all rows. Only these pass
   * through the output layer. Positions whose next label is −100, such as the last of a row, may fill up the rest. Shapes: (K).
   *
   * @defaultValue all positions, or for labels in rows those with a label
   */
  readonly learnedPositions?: tf.Tensor1D;
}
