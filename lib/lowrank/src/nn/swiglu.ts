/** The middle of a feed-forward layer. */
import { ShapeError, tf } from '../runtime';
import { withGradient } from './customGradient';
import { byKernel } from './kernels/dispatch';

/**
 * `SiLU(gate) ∘ up` with `SiLU(x) = x·σ(x)`; the backward pass recomputes the sigmoid.
 *
 * Shapes: gate and up have the same shape.
 *
 * @throws ShapeError when they differ.
 */
export function swiglu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  if (gate.shape.join() !== up.shape.join()) throw new ShapeError(`SwiGLU takes two of one shape; got [${gate.shape}] and [${up.shape}]`);
  return tf.tidy(() => byKernel('swiglu', gate, up) ?? formula(gate, up));
}

function formula(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  return withGradient(
    [gate, up],
    () => ({ value: gate.mul(gate.sigmoid()).mul(up), saved: { gate, up } }),
    (dy, saved) => {
      const sigma = saved.gate.sigmoid();
      const silu = saved.gate.mul(sigma);
      const derivative = silu.add(sigma.mul(tf.sub(1, silu))); // SiLU' = SiLU + σ·(1 − SiLU)
      return [dy.mul(saved.up).mul(derivative), dy.mul(silu)];
    },
  );
}
