/**
 * Rotary positions of many heads on a CPU, by the native binding.
 *
 * Without it, a training step in bfloat16 takes 1.045 times as long (tests/bench/results/cpu/kernels.json).
 */
import { compile, type tf } from '../../runtime';
import { widened } from '../../runtime/compile/graph/numberFormats';
import { asStored, callNative, canReplaceInBfloat16, type NumberType } from '../../runtime/compile/nativeKernels';
import { tracedPrecision } from '../../runtime/compile/tracing/trace';
import { withGradient } from '../customGradient';
import type { Kernel } from './kernel';

/** The widest head that it takes: `kSpan` of the binding's `floatKernels.h`. */
const MAX_WIDTH = 1024;

/**
 * `x ∘ cos + x' ∘ sin`, where x' has the halves of each head swapped; its gradient is the same with `−sin`. In a bfloat16
 * program the results are rounded to bfloat16 for all that use them.
 *
 * Shapes: x (B, H, T, D), cos and sin (1 or B, 1, T, D) → (B, H, T, D).
 */
export const nativeRotary: Kernel<[x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor]> = {
  fits: (x, cos, sin) => {
    const [B, , T, D = 0] = x.shape;
    const [b, heads, t, d] = cos.shape;
    const isBroadcast =
      cos.rank === 4 && (b === 1 || b === B) && heads === 1 && t === T && d === D && sin.shape.join() === cos.shape.join();
    return isBroadcast && D % 2 === 0 && D <= MAX_WIDTH && x.dtype === 'float32' && canReplaceInBfloat16(x.size);
  },
  run: (x, cos, sin) => {
    const resultType = tracedPrecision() ?? 'float32';
    const byToken = (tensor: tf.Tensor) => tensor.reshape([-1, ...x.shape.slice(2)]);
    const rotated = (tensor: tf.Tensor, waves: { readonly cos: tf.Tensor; readonly sin: tf.Tensor }) => {
      const [stored, type] = asStored(byToken(tensor));
      const y = kernel({ x: stored, cos: byToken(waves.cos), sin: byToken(waves.sin) }, { type, resultType });
      return widened(y, resultType).reshape(x.shape);
    };
    return withGradient(
      [x],
      () => ({ value: rotated(x, { cos, sin }), saved: { cos, sin } }),
      (dy, saved) => [rotated(dy, { cos: saved.cos, sin: saved.sin.neg() })],
    );
  },
};

const kernel = compile(
  (
    { x, cos, sin }: { readonly x: tf.Tensor; readonly cos: tf.Tensor; readonly sin: tf.Tensor },
    { type, resultType }: { readonly type: NumberType; readonly resultType: NumberType },
  ) => {
    const operands = [[x, type] as const, [cos, 'float32'] as const, [sin, 'float32'] as const];
    const [y] = callNative('lowrank_rotary', operands, [{ type: resultType, shape: x.shape }]);
    return y;
  },
  { name: 'rotary', xla: true },
);
