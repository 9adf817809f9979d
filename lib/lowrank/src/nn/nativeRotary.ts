/** Rotary positions of many heads on a CPU, by this library's part of the native binding. */
import { compile, type tf } from '../runtime';
import { asStored, callNative, canReplaceBetweenHalfProducts, type NumberType } from '../runtime/compile/nativeKernels';
import { widened } from '../runtime/compile/numberFormats';
import { tracedPrecision } from '../runtime/compile/trace';
import { withGradient } from './customGradient';

/** The widest head that it takes: `kSpan` of the binding's `floatKernels.h`. */
const MAX_WIDTH = 1024;

/** Whether there is one for the present trace. Shapes: x (B, H, T, D), cos and sin (1 or B, 1, T, D). */
export function hasNativeRotary(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): boolean {
  const [B, , T, D = 0] = x.shape;
  const [b, heads, t, d] = cos.shape;
  const fits = cos.rank === 4 && (b === 1 || b === B) && heads === 1 && t === T && d === D && sin.shape.join() === cos.shape.join();
  return fits && D % 2 === 0 && D <= MAX_WIDTH && x.dtype === 'float32' && canReplaceBetweenHalfProducts(x.size);
}

/**
 * `x ∘ cos + x' ∘ sin`, where x' has the halves of each head in the other order, for use where {@link hasNativeRotary} says so. The way
 * back is the same with `−sin`. What a product gave in bfloat16 is read as it is, and where products take bfloat16 it gives that, which
 * whatever else takes its results then sees as well.
 *
 * Shapes: x (B, H, T, D), cos and sin (1 or B, 1, T, D) → (B, H, T, D).
 */
export function nativeRotary(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor {
  const taken = tracedPrecision() ?? 'float32';
  const byToken = (given: tf.Tensor) => given.reshape([-1, ...x.shape.slice(2)]);
  const turned = (given: tf.Tensor, waves: { readonly cos: tf.Tensor; readonly sin: tf.Tensor }) => {
    const [stored, type] = asStored(byToken(given));
    const y = kernel({ x: stored, cos: byToken(waves.cos), sin: byToken(waves.sin) }, { type, taken });
    return widened(y, taken).reshape(x.shape);
  };
  return withGradient(
    [x],
    () => ({ value: turned(x, { cos, sin }), saved: { cos, sin } }),
    (dy, saved) => [turned(dy, { cos: saved.cos, sin: saved.sin.neg() })],
  );
}

const kernel = compile(
  (
    { x, cos, sin }: { readonly x: tf.Tensor; readonly cos: tf.Tensor; readonly sin: tf.Tensor },
    { type, taken }: { readonly type: NumberType; readonly taken: NumberType },
  ) => {
    const operands = [[x, type] as const, [cos, 'float32'] as const, [sin, 'float32'] as const];
    const [y] = callNative('lowrank_rotary', operands, [{ type: taken, shape: x.shape }]);
    return y;
  },
  { name: 'rotary', xla: true },
);
