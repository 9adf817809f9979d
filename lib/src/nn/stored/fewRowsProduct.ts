/** Products of few rows with a packed weight, as a decoder has them, where the native binding has its own. */
import { hasRowProducts, type RowWeight, rowProduct, type tf } from '../../runtime';

/** With more rows it takes longer to multiply than to unpack the weight once: the rows go eight by eight, and unpack it each time. */
const MAX_ROWS = 64;
/** A smaller weight is read in less time than it takes to call for it. */
const MIN_VALUES = 2 ** 16;

/**
 * `x·Wᵀ` over the last axis of x, or undefined where the native binding has no product for it: outside of functions that XLA compiles
 * for the CPU, under a gradient, for many rows and for small weights.
 *
 * Shapes: x (…, I) → (…, O).
 */
export function fewRowsProduct(x: tf.Tensor, weight: RowWeight): tf.Tensor | undefined {
  const width = x.shape[x.rank - 1] ?? 0;
  const rows = x.size / width;
  if (rows > MAX_ROWS || weight.inFeatures * weight.outFeatures < MIN_VALUES || !hasRowProducts()) return undefined;
  return rowProduct(x.reshape([rows, width]), weight).reshape([...x.shape.slice(0, -1), weight.outFeatures]);
}
