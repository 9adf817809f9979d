/** Products of a few rows with a weight in float32 on a CPU, by the native binding. */
import type { tf } from '../../runtime';
import type { Kernel } from './kernel';
import { columnProduct, hasRowProducts, MIN_VALUES, rowProduct } from './rowProduct';

/** With more rows, XLA's products are as fast: the native ones read the sums of all rows again for every eight inputs. */
const FEW_ROWS = 8;

/** Reads the weight at the speed of memory. Shapes: rows (N, I), weight (I, O), or (O, I) with `transposeW` → (N, O). */
export const nativeRowProduct: Kernel<[rows: tf.Tensor, weight: tf.Tensor, transposeW: boolean]> = {
  fits: ({ shape: [N = 0] }, weight) => N <= FEW_ROWS && weight.size >= MIN_VALUES && weight.dtype === 'float32' && hasRowProducts(),
  run: (rows, weight, transposeW) => {
    if (!transposeW) return columnProduct(rows, weight);
    const [O = 0, I = 0] = weight.shape;
    return rowProduct(rows, { format: 'float32', parts: [weight], inFeatures: I, outFeatures: O });
  },
};
