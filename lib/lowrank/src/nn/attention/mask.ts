/** Additive attention masks: 0 for visible keys, far below any score for hidden ones. */
import { ArgumentError, tf } from '../../runtime';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { checkAttentionMemory } from './checkAttentionMemory';

/** Finite, because a query that sees no key (padding) still needs a softmax; twice the value still fits float32 and bfloat16. */
const HIDDEN = -1e9;

/**
 * Hides later tokens; the queries are the last T of S positions. Shapes: → (1, 1, T, S).
 *
 * @throws ArgumentError when there are fewer keys than queries; MemoryError for a mask that does not fit.
 */
export function causalMask(queries: number, keys = queries): tf.Tensor4D {
  checkWhole('queries', queries);
  checkWhole('keys', keys);
  if (keys < queries) throw new ArgumentError(`${queries} queries cannot be the last of ${keys} keys: give at least as many keys`);
  checkAttentionMemory(`a mask of ${queries} × ${keys} positions`, 'mask', queries * keys);
  return tf.tidy(() => {
    const own = tf.range(keys - queries, keys, 1, 'int32').reshape([1, 1, queries, 1]);
    const seen = tf.range(0, keys, 1, 'int32').reshape([1, 1, 1, keys]);
    return seen.greater(own).toFloat().mul(HIDDEN) as tf.Tensor4D;
  });
}

/** Hides padding, where the mask is 0. Shapes: attentionMask (B, S) → (B, 1, 1, S). */
export function paddingMask(attentionMask: tf.Tensor2D): tf.Tensor4D {
  const [B, S] = attentionMask.shape;
  return tf.tidy(() => tf.sub(1, attentionMask.toFloat()).mul(HIDDEN).reshape([B, 1, 1, S]));
}

/** Hides the tokens of other segments of the row. Shapes: segmentIds (B, T) → (B, 1, T, T). */
export function segmentMask(segmentIds: tf.Tensor2D): tf.Tensor4D {
  const [B, T] = segmentIds.shape;
  return tf.tidy(() => {
    const isOther = segmentIds.reshape([B, 1, T, 1]).notEqual(segmentIds.reshape([B, 1, 1, T]));
    return isOther.toFloat().mul<tf.Tensor4D>(HIDDEN);
  });
}
