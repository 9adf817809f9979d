/** The weights of attention over many keys on a CPU, by this library's part of the native binding. */
import { compile, type tf } from '../runtime';
import { asStored, callNative, canReplaceBetweenHalfProducts, type NumberType } from '../runtime/compile/nativeKernels';
import { widened } from '../runtime/compile/numberFormats';
import { tracedPrecision } from '../runtime/compile/trace';
import { sizeOf } from '../runtime/sizeOf';
import { withGradient } from './customGradient';

/** Whether there is one for the present trace. Shapes: scores (B, H, T, S), mask (1 or B, 1, 1 or T, S). */
export function hasNativeSoftmax(scores: readonly number[], mask: readonly number[]): boolean {
  const [B, , T, S] = scores;
  const [b, heads, t, s] = mask;
  const fits = mask.length === 4 && (b === 1 || b === B) && heads === 1 && (t === 1 || t === T) && s === S;
  return fits && canReplaceBetweenHalfProducts(sizeOf(scores));
}

/**
 * `P = softmax(scores·scale + mask)`, for use where {@link hasNativeSoftmax} says so. Its gradient is `dS = P·(dP − Σ dP·P)·scale`. Scores
 * that a product gave in bfloat16 are read as they are, and where products take bfloat16 it gives that, which whatever else takes the
 * weights then sees as well; it computes in float32.
 *
 * Shapes: scores (B, H, T, S), mask (1 or B, 1, 1 or T, S) → (B, H, T, S).
 */
export function nativeSoftmax(scores: tf.Tensor, mask: tf.Tensor, scale: number): tf.Tensor {
  const [B = 0, H = 0, T = 0, S = 0] = scores.shape;
  const byHead = (x: tf.Tensor) => x.reshape([B * H, T, S]);
  const [stored, type] = asStored(byHead(scores));
  const taken = tracedPrecision() ?? 'float32';
  const masks = mask.toFloat().reshape([-1, mask.shape[2] ?? 1, S]);
  return withGradient(
    [scores],
    () => {
      const weights = forwardKernel({ scores: stored, masks }, { type, taken, scale });
      return { value: widened(weights, taken).reshape(scores.shape), saved: { weights } };
    },
    (dy, { weights }) => {
      const [slopes, slopeType] = asStored(byHead(dy));
      return [widened(backwardKernel({ slopes, weights }, { slopeType, taken, scale }), taken).reshape(dy.shape)];
    },
  );
}

type ForwardTypes = { readonly type: NumberType; readonly taken: NumberType; readonly scale: number };

const forwardKernel = compile(
  ({ scores, masks }: { readonly scores: tf.Tensor; readonly masks: tf.Tensor }, { type, taken, scale }: ForwardTypes) => {
    const operands = [[scores, type] as const, [masks, 'float32'] as const];
    const [weights] = callNative('lowrank_masked_softmax', operands, [{ type: taken, shape: scores.shape }], { scale });
    return weights;
  },
  { name: 'masked_softmax', xla: true },
);

type BackwardTypes = { readonly slopeType: NumberType; readonly taken: NumberType; readonly scale: number };

const backwardKernel = compile(
  ({ slopes, weights }: { readonly slopes: tf.Tensor; readonly weights: tf.Tensor }, { slopeType, taken, scale }: BackwardTypes) => {
    const operands = [[slopes, slopeType] as const, [weights, taken] as const];
    const [scoreSlopes] = callNative('lowrank_masked_softmax_slopes', operands, [{ type: taken, shape: weights.shape }], { scale });
    return scoreSlopes;
  },
  { name: 'masked_softmax_slopes', xla: true },
);
