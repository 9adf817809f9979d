/** Products with a weight that is stored packed. */
import { isTracing, tf } from '../../runtime';
import { byKernel } from '../kernels/dispatch';
import { matMulFrozen } from '../linear';
import { QuantizedRows, type QuantizedWeight } from './quantizedWeight';

/** Values unpacked at a time where that saves memory, 16 MiB of float32. */
const RUN = 2 ** 22;

/**
 * `x·Wᵀ`, W unpacked for the product and freed after it, in the backward pass anew. The gradient flows to x alone.
 *
 * Where a decoder's few rows have a product of their own, W is never unpacked as a whole. Elsewhere, for few rows of x, a large W, such as a
 * head, is unpacked run by run, so that the whole of it never is; for many rows the result is the larger, and to put it together from
 * runs would take more than it saves. A compiled function takes W whole: in a bfloat16 product a bfloat16 weight is not unpacked at
 * all, and what is unpacked of others lives for the product alone.
 *
 * Shapes: x (…, I), W (O, I) → (…, O).
 */
export function quantizedMatMul(x: tf.Tensor, weight: QuantizedWeight): tf.Tensor {
  const product = byKernel('quantizedMatMul', x, weight);
  if (product) return product;
  const isShort = x.size / weight.columns < weight.columns;
  const isSmall = !(weight instanceof QuantizedRows) || weight.size <= RUN;
  if (isTracing() || isSmall || !isShort) return matMulFrozen(x, () => weight.unpack(), true);
  return tf.tidy(() => {
    const step = Math.ceil(RUN / weight.columns);
    const begins = Array.from({ length: Math.ceil(weight.rows / step) }, (_, run) => run * step);
    const parts = begins.map((begin) => {
      const count = Math.min(step, weight.rows - begin);
      return matMulFrozen(x, () => weight.unpackRun(begin, count), true);
    });
    return tf.concat(parts, -1);
  });
}
