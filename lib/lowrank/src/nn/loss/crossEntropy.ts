/** The loss of next-token prediction. */
import { ArgumentError, ShapeError, tf } from '../../runtime';
import { nodeBackend } from '../../runtime/device/backend';
import { cheapData } from '../../runtime/device/cheapData';
import { withGradient } from '../customGradient';
import { byKernel } from '../kernels/dispatch';

/** The label of a position that the loss ignores, as in PyTorch. */
export const IGNORE_INDEX = -100;

/**
 * The mean of `−log softmax(logits)[label]` over all positions whose label is not −100; without any such position the loss is 0.
 *
 * TensorFlow's fused operation returns the loss together with its gradient, `softmax − one-hot`, and creates no tensors for the
 * probabilities or the one-hot labels.
 *
 * Shapes: logits (N, V), labels (N), int32 → ().
 *
 * @throws ShapeError for other shapes; ArgumentError for a label that is neither −100 nor in 0…V − 1, where it is cheap to read them.
 */
export function crossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  const [N] = logits.shape;
  if (logits.rank !== 2 || labels.rank !== 1 || labels.shape[0] !== N) {
    throw new ShapeError(`cross-entropy takes logits (N, V) and labels (N); got [${logits.shape}] and [${labels.shape}]`);
  }
  if (labels.dtype !== 'int32') throw new ArgumentError(`the labels of cross-entropy are a tensor of ${labels.dtype}, not of int32`);
  const wrong = cheapData(labels).find((label) => label !== IGNORE_INDEX && !(label >= 0 && label < (logits.shape[1] ?? 0)));
  if (wrong !== undefined)
    throw new ArgumentError(`label ${wrong} is neither ${IGNORE_INDEX} nor one of the ${logits.shape[1]} of the logits`);
  return tf.tidy(() => {
    const kept = labels.notEqual(tf.scalar(IGNORE_INDEX, 'int32'));
    return weightedCrossEntropy(logits, labels, kept.toFloat().div(tf.maximum(kept.toFloat().sum(), 1)));
  });
}

/** `Σ weight·(−log softmax(logits)[label])`; the weight of a label −100 is 0. Shapes: logits (N, V), labels, weights (N) → (). */
export function weightedCrossEntropy(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor): tf.Scalar {
  const [N] = logits.shape;
  if (logits.rank !== 2 || labels.shape.join() !== String(N) || weights.shape.join() !== String(N)) {
    throw new ShapeError(
      `cross-entropy takes logits (N, V), labels (N) and weights (N); got [${logits.shape}], [${labels.shape}] and [${weights.shape}]`,
    );
  }
  return tf.tidy(() => {
    const targets = tf.maximum(labels, tf.scalar(0, 'int32')); // an ignored label must still be in 0…V − 1
    return (byKernel('crossEntropy', logits, targets, weights) ?? formula(logits, targets, weights)) as tf.Scalar;
  });
}

function formula(logits: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor): tf.Tensor {
  return withGradient(
    [logits],
    () => {
      const [losses, gradients] = fusedCrossEntropy(logits, targets);
      return { value: losses.mul(weights).sum(), saved: { gradients, weights } };
    },
    (dy, saved) => [saved.gradients.mul(saved.weights.mul(dy).reshape([-1, 1]))],
  );
}

/** Shapes: logits (N, V), labels (N) → losses (N) and their gradients by the logits (N, V). */
function fusedCrossEntropy(logits: tf.Tensor, labels: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const backend = nodeBackend();
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding;
  const attributes = [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'Tlabels', type: TF_ATTR_TYPE, value: TF_INT32 },
  ];
  const [losses, gradients] = backend.executeMultipleOutputs('SparseSoftmaxCrossEntropyWithLogits', attributes, [logits, labels], 2);
  if (!losses || !gradients) throw new ShapeError('TensorFlow returned no loss');
  return [losses, gradients];
}
