/** The loss of next-token prediction. */
import { ShapeError, tf } from '../runtime';
import { nodeBackend } from '../runtime/backend';
import { withGradient } from './customGradient';
import { hasNativeCrossEntropy, nativeCrossEntropy } from './nativeCrossEntropy';

/** The label of a position that the loss leaves out, as in PyTorch. */
export const IGNORE_INDEX = -100;

/**
 * `mean over kept positions of −log softmax(logits)[label]`; labels of −100 are left out, and with none left the loss is 0.
 *
 * TensorFlow's fused operation gives the loss and `softmax − one-hot` at once, so that neither the probabilities nor the one-hot labels
 * are ever made; for many logits in a compiled function on a CPU a kernel of the binding does.
 *
 * Shapes: logits (N, V), labels (N), int32 → ().
 */
export function crossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  const [N] = logits.shape;
  if (logits.rank !== 2 || labels.rank !== 1 || labels.shape[0] !== N) {
    throw new ShapeError(`cross-entropy takes logits (N, V) and labels (N); got [${logits.shape}] and [${labels.shape}]`);
  }
  return tf.tidy(() => {
    const kept = labels.notEqual(tf.scalar(IGNORE_INDEX, 'int32'));
    return weightedCrossEntropy(logits, labels, kept.toFloat().div(tf.maximum(kept.toFloat().sum(), 1)));
  });
}

/** `Σ weight·(−log softmax(logits)[label])`, where the weight of a label of −100 is 0. Shapes: logits (N, V), labels, weights (N) → (). */
export function weightedCrossEntropy(logits: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor): tf.Scalar {
  const [N] = logits.shape;
  if (logits.rank !== 2 || labels.shape.join() !== String(N) || weights.shape.join() !== String(N)) {
    throw new ShapeError(
      `cross-entropy takes logits (N, V), labels (N) and weights (N); got [${logits.shape}], [${labels.shape}] and [${weights.shape}]`,
    );
  }
  return tf.tidy(() => {
    const targets = tf.maximum(labels, tf.scalar(0, 'int32')); // an ignored label must still be one of the V
    if (hasNativeCrossEntropy(logits)) return nativeCrossEntropy(logits, targets, weights) as tf.Scalar;
    const loss = withGradient(
      [logits],
      () => {
        const [losses, slopes] = fusedCrossEntropy(logits, targets);
        return { value: losses.mul(weights).sum(), saved: { slopes, weights } };
      },
      (dy, saved) => [saved.slopes.mul(saved.weights.mul(dy).reshape([-1, 1]))],
    );
    return loss as tf.Scalar;
  });
}

/** Shapes: logits (N, V), labels (N) → losses (N) and their gradients by the logits (N, V). */
function fusedCrossEntropy(logits: tf.Tensor, labels: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const backend = nodeBackend();
  const { TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = backend.binding;
  const attributes = [
    { name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT },
    { name: 'Tlabels', type: TF_ATTR_TYPE, value: TF_INT32 },
  ];
  const [losses, slopes] = backend.executeMultipleOutputs('SparseSoftmaxCrossEntropyWithLogits', attributes, [logits, labels], 2);
  if (!losses || !slopes) throw new ShapeError('TensorFlow gave no loss');
  return [losses, slopes];
}
