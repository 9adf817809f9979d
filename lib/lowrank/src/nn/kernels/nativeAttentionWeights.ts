/**
 * The weights of attention over many keys on a CPU, by the native binding.
 *
 * Without it, a training step in bfloat16 takes 1.083 times as long (tests/bench/results/cpu/kernels.json).
 */
import { compile, tf } from '../../runtime';
import { widened } from '../../runtime/compile/graph/numberFormats';
import { asStored, callNative, canReplaceInBfloat16, type NumberType } from '../../runtime/compile/nativeKernels';
import { tracedPrecision } from '../../runtime/compile/tracing/trace';
import { withGradient } from '../customGradient';
import type { Kernel } from './kernel';

type Options = { readonly heads: number; readonly mask?: tf.Tensor | undefined };

/**
 * `P = softmax(q·kᵀ/√D + mask)`: the softmax, the scale and the mask are one kernel, computed in float32; its gradient by the scores is
 * `dS = P·(dP − Σ dP·P)/√D`. In a bfloat16 program the weights are rounded to bfloat16 for all that use them.
 *
 * Shapes: q (B, K, H/K·T, D), k (B, K, S, D), mask (1 or B, 1, 1 or T, S) → (B, K, H/K·T, S).
 */
export const nativeAttentionWeights: Kernel<[q: tf.Tensor4D, k: tf.Tensor4D, options: Options]> = {
  fits: (q, k, options) => {
    const [B, H, T, S] = byHead(q, k, options);
    const [b, heads, t, s] = options.mask?.shape ?? [1, 1, 1, S];
    const isBroadcast = (b === 1 || b === B) && heads === 1 && (t === 1 || t === T) && s === S && (options.mask?.rank ?? 4) === 4;
    return isBroadcast && canReplaceInBfloat16(B * H * T * S);
  },
  run: (q, k, options) => {
    const scores = tf.matMul(q, k, false, true);
    const shape = byHead(q, k, options);
    const mask = options.mask ?? tf.zeros([1, 1, 1, shape[3]]);
    return maskedSoftmax(scores.reshape([...shape]), mask, 1 / Math.sqrt(q.shape[3])).reshape(scores.shape);
  },
};

/** [B, H, T, S] of the scores. */
function byHead({ shape: [B, K, rows] }: tf.Tensor4D, k: tf.Tensor4D, { heads }: Options): readonly [number, number, number, number] {
  return [B, heads, (rows * K) / heads, k.shape[2]];
}

function maskedSoftmax(scores: tf.Tensor, mask: tf.Tensor, scale: number): tf.Tensor {
  const [B = 0, H = 0, T = 0, S = 0] = scores.shape;
  const flat = (x: tf.Tensor) => x.reshape([B * H, T, S]);
  const [stored, type] = asStored(flat(scores));
  const resultType = tracedPrecision() ?? 'float32';
  const masks = mask.toFloat().reshape([-1, mask.shape[2] ?? 1, S]);
  return withGradient(
    [scores],
    () => {
      const weights = forwardKernel({ scores: stored, masks }, { type, resultType, scale });
      return { value: widened(weights, resultType).reshape(scores.shape), saved: { weights } };
    },
    (dy, { weights }) => {
      const [dys, dyType] = asStored(flat(dy));
      return [widened(backwardKernel({ dys, weights }, { dyType, resultType, scale }), resultType).reshape(dy.shape)];
    },
  );
}

type ForwardTypes = { readonly type: NumberType; readonly resultType: NumberType; readonly scale: number };

const forwardKernel = compile(
  ({ scores, masks }: { readonly scores: tf.Tensor; readonly masks: tf.Tensor }, { type, resultType, scale }: ForwardTypes) => {
    const operands = [[scores, type] as const, [masks, 'float32'] as const];
    const [weights] = callNative('lowrank_masked_softmax', operands, [{ type: resultType, shape: scores.shape }], { scale });
    return weights;
  },
  { name: 'masked_softmax', xla: true },
);

type BackwardTypes = { readonly dyType: NumberType; readonly resultType: NumberType; readonly scale: number };

const backwardKernel = compile(
  ({ dys, weights }: { readonly dys: tf.Tensor; readonly weights: tf.Tensor }, { dyType, resultType, scale }: BackwardTypes) => {
    const operands = [[dys, dyType] as const, [weights, resultType] as const];
    const [dScores] = callNative('lowrank_masked_softmax_gradients', operands, [{ type: resultType, shape: weights.shape }], { scale });
    return dScores;
  },
  { name: 'masked_softmax_gradient', xla: true },
);
