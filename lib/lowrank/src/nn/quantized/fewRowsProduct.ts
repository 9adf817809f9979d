/** Products of few rows with a packed weight, as a decoder has them: the weight is read once, as it is stored. */
import type { tf } from '../../runtime';
import { canFuseReads, hasRowProducts, MIN_VALUES, rowProduct } from '../../runtime/compile/rowProduct';
import type { StoredWeight } from './storedWeight';

/**
 * Of a CPU's products. A prompt of 64 tokens takes as long with them as with a weight that XLA has unpacked; one of 128 a third longer, for
 * its library's products of many rows are the faster ones.
 */
const MAX_ROWS = 64;

/**
 * `x·Wᵀ` over the last axis of x, or undefined where there is no such product: under a gradient, for many rows, for small weights and in
 * functions that XLA does not compile. On a CPU it is the native binding's. On a GPU it is one row's sums over unpacked values: XLA makes the
 * products of one row with several weights one kernel, which unpacks as it reads. Those of cuBLAS took a quarter longer for the same
 * bfloat16 weights, and three times the calls (LLaMA-7B shape, H100).
 *
 * Shapes: x (…, I) → (…, O).
 */
export function fewRowsProduct(x: tf.Tensor, weight: StoredWeight): tf.Tensor | undefined {
  const { columns: I, rows: O, rowParts } = weight;
  const width = x.shape[x.rank - 1] ?? 0;
  const count = x.size / width;
  if (count > MAX_ROWS || weight.size < MIN_VALUES) return undefined;
  const shape = [...x.shape.slice(0, -1), O];
  if (count === 1 && width === I && canFuseReads()) return rowSums(x.reshape([1, I]), weight).reshape(shape);
  if (!rowParts || !hasRowProducts()) return undefined;
  return rowProduct(x.reshape([count, width]), { ...rowParts, inFeatures: I, outFeatures: O }).reshape(shape);
}

/** Shapes: x (1, I) → (O). */
function rowSums(x: tf.Tensor, weight: StoredWeight): tf.Tensor {
  return weight.unpack().mul(x).sum(-1);
}
