/** The middle of a feed-forward layer. */
import { compile, ShapeError, tf } from '../runtime';
import { asStored, callNative, canReplaceOperations, type NumberType } from '../runtime/compile/nativeKernels';
import { widened } from '../runtime/compile/numberFormats';
import { tracedPrecision } from '../runtime/compile/trace';
import { withGradient } from './customGradient';

/**
 * `SiLU(gate) ∘ up` with `SiLU(x) = x·σ(x)`; the sigmoid is made again in the backward pass rather than held.
 *
 * Shapes: gate and up of one shape.
 *
 * @throws ShapeError when they are not
 */
export function swiglu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  if (gate.shape.join() !== up.shape.join()) throw new ShapeError(`SwiGLU takes two of one shape; got [${gate.shape}] and [${up.shape}]`);
  return tf.tidy(() => (canReplaceOperations(gate.size) ? nativeSwiglu(gate, up) : swigluOfOperations(gate, up)));
}

function swigluOfOperations(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  return withGradient(
    [gate, up],
    () => ({ value: gate.mul(gate.sigmoid()).mul(up), saved: { gate, up } }),
    (dy, saved) => {
      const sigma = saved.gate.sigmoid();
      const silu = saved.gate.mul(sigma);
      const slope = silu.add(sigma.mul(tf.sub(1, silu))); // SiLU' = SiLU + σ·(1 − SiLU)
      return [dy.mul(saved.up).mul(slope), dy.mul(silu)];
    },
  );
}

/**
 * By this library's part of the native binding, in one pass. It computes in float32; what products before it gave in bfloat16 it reads as
 * that, and where the products after it take bfloat16 it gives that, which whatever else takes its results then sees as well.
 */
function nativeSwiglu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  const [gates, gateType] = asStored(gate);
  const [ups, upType] = asStored(up);
  const taken = tracedPrecision() ?? 'float32'; // by the products after it, forward and back
  return withGradient(
    [gate, up],
    () => ({ value: widened(forwardKernel({ gates, ups }, { gateType, upType, taken }), taken), saved: { gates, ups } }),
    (dy, saved) => {
      const [slopes, slopeType] = asStored(dy);
      const { dgate, dup } = backwardKernel({ slopes, ...saved }, { gateType, upType, slopeType, taken });
      return [widened(dgate, taken), widened(dup, taken)];
    },
  );
}

type Given = { readonly gates: tf.Tensor; readonly ups: tf.Tensor };
type Types = { readonly gateType: NumberType; readonly upType: NumberType; readonly taken: NumberType };

const forwardKernel = compile(
  ({ gates, ups }: Given, { gateType, upType, taken }: Types) => {
    const operands = [[gates, gateType] as const, [ups, upType] as const];
    const [y] = callNative('lowrank_swiglu', operands, [{ type: taken, shape: gates.shape }]);
    return y;
  },
  { name: 'swiglu', xla: true },
);

const backwardKernel = compile(
  (
    { slopes, gates, ups }: Given & { readonly slopes: tf.Tensor },
    { slopeType, gateType, upType, taken }: Types & { readonly slopeType: NumberType },
  ) => {
    const operands = [[slopes, slopeType] as const, [gates, gateType] as const, [ups, upType] as const];
    const given = { type: taken, shape: gates.shape };
    const [dgate, dup] = callNative('lowrank_swiglu_slopes', operands, [given, given]);
    return { dgate, dup };
  },
  { name: 'swiglu_slopes', xla: true },
);
