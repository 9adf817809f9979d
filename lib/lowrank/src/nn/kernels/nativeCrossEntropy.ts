/**
 * The cross-entropy of many logits on a CPU, by the native binding.
 *
 * Without it, a training step in bfloat16 takes 1.161 times as long (tests/bench/results/cpu/kernels.json).
 */
import { compile, type tf } from '../../runtime';
import { widened } from '../../runtime/compile/graph/numberFormats';
import { asStored, callNative, canReplaceOperations, type NumberType } from '../../runtime/compile/nativeKernels';
import { withGradient } from '../customGradient';
import type { Kernel } from './kernel';

/** With fewer logits, TensorFlow's own operation ends before XLA has been called. */
const MIN_LOGITS = 2 ** 18;

/**
 * `Σ weight·(−log softmax(logits)[label])`, computed in float32. It reads bfloat16 logits of a product without a cast, and then writes
 * their gradient in bfloat16.
 *
 * Shapes: logits (N, V), labels (N), weights (N) → ().
 */
export const nativeCrossEntropy: Kernel<[logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor]> = {
  fits: ({ size }) => size >= MIN_LOGITS && canReplaceOperations(size),
  run: (logits, labels, weights) => {
    const [stored, type] = asStored(logits);
    return withGradient(
      [logits],
      () => {
        const inputs = { logits: stored, labels, weights };
        const { losses, ...sums } = forwardKernel(inputs, type);
        return { value: losses.sum(), saved: { ...inputs, ...sums } };
      },
      (dy, saved) => [widened(backwardKernel({ ...saved, weights: saved.weights.mul(dy) }, type), type)],
    );
  },
};

type Inputs = { readonly logits: tf.Tensor; readonly labels: tf.Tensor; readonly weights: tf.Tensor };

const forwardKernel = compile(
  (inputs: Inputs, type: NumberType) => {
    const numbers = { type: 'float32', shape: inputs.weights.shape } as const;
    const [losses, greatest, logSums] = callNative('lowrank_cross_entropy', operandsOf(inputs, type), [numbers, numbers, numbers]);
    return { losses, greatest, logSums };
  },
  { name: 'cross_entropy', xla: true },
);

const backwardKernel = compile(
  ({ greatest, logSums, ...inputs }: Inputs & { readonly greatest: tf.Tensor; readonly logSums: tf.Tensor }, type: NumberType) => {
    const operands = [...operandsOf(inputs, type), [greatest, 'float32'] as const, [logSums, 'float32'] as const];
    const [dLogits] = callNative('lowrank_cross_entropy_gradients', operands, [{ type, shape: inputs.logits.shape }]);
    return dLogits;
  },
  { name: 'cross_entropy_gradient', xla: true },
);

function operandsOf({ logits, labels, weights }: Inputs, type: NumberType): (readonly [tf.Tensor, NumberType])[] {
  return [
    [logits, type],
    [labels, 'int32'],
    [weights, 'float32'],
  ];
}
