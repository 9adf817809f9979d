/** The cross-entropy of many logits on a CPU, by this library's part of the native binding. */
import { compile, type tf } from '../runtime';
import { asStored, callNative, canReplaceOperations, type NumberType } from '../runtime/compile/nativeKernels';
import { widened } from '../runtime/compile/numberFormats';
import { withGradient } from './customGradient';

/** With fewer logits TensorFlow's own is done before XLA has been called. */
const MIN_LOGITS = 2 ** 18;

/** Whether there is one for the present trace. Shapes: logits (N, V). */
export function hasNativeCrossEntropy(logits: tf.Tensor): boolean {
  return logits.size >= MIN_LOGITS && canReplaceOperations(logits.size);
}

/**
 * `Σ weight·(−log softmax(logits)[label])`, for use where {@link hasNativeCrossEntropy} says so. Logits that a product gave in bfloat16
 * are read as they are, and so is their gradient written, for the products that take it; it computes in float32.
 *
 * Shapes: logits (N, V), labels (N), weights (N) → ().
 */
export function nativeCrossEntropy(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor): tf.Tensor {
  const [stored, type] = asStored(logits);
  return withGradient(
    [logits],
    () => {
      const given = { logits: stored, labels, weights };
      const { losses, ...sums } = forwardKernel(given, type);
      return { value: losses.sum(), saved: { ...given, ...sums } };
    },
    (dy, saved) => [widened(backwardKernel({ ...saved, weights: saved.weights.mul(dy) }, type), type)],
  );
}

type Given = { readonly logits: tf.Tensor; readonly labels: tf.Tensor; readonly weights: tf.Tensor };

const forwardKernel = compile(
  (given: Given, type: NumberType) => {
    const numbers = { type: 'float32', shape: given.weights.shape } as const;
    const [losses, greatest, logSums] = callNative('lowrank_cross_entropy', operandsOf(given, type), [numbers, numbers, numbers]);
    return { losses, greatest, logSums };
  },
  { name: 'cross_entropy', xla: true },
);

const backwardKernel = compile(
  ({ greatest, logSums, ...given }: Given & { readonly greatest: tf.Tensor; readonly logSums: tf.Tensor }, type: NumberType) => {
    const operands = [...operandsOf(given, type), [greatest, 'float32'] as const, [logSums, 'float32'] as const];
    const [slopes] = callNative('lowrank_cross_entropy_slopes', operands, [{ type, shape: given.logits.shape }]);
    return slopes;
  },
  { name: 'cross_entropy_slopes', xla: true },
);

function operandsOf({ logits, labels, weights }: Given, type: NumberType): (readonly [tf.Tensor, NumberType])[] {
  return [
    [logits, type],
    [labels, 'int32'],
    [weights, 'float32'],
  ];
}
