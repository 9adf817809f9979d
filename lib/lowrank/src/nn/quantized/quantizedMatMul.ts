/** Products with a packed weight. */
import { isTracing, tf } from '../../runtime';
import { byKernel } from '../kernels/dispatch';
import { matMulFrozen } from '../linear';
import { QuantizedRows, type QuantizedWeight } from './quantizedWeight';

/** Number of values unpacked at a time if that saves memory: 16 MiB of float32. */
const RUN = 2 ** 22;

/**
 * `x·Wᵀ`. W is unpacked for the product and freed after it, and again in the backward pass. Only x gets a gradient.
 *
 * If a kernel computes the few rows of a decoder, W is never unpacked as a whole. Otherwise, for few rows of x, a large W such as the
 * head's is unpacked part by part; for many rows the result is larger than W, and joining parts of it would cost more than it saves. A
 * compiled function unpacks all of W for the product only, and uses a bfloat16 weight in a bfloat16 product as it is.
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
