/** Next-token prediction as a loss, with Hugging Face's shift. */
import { IGNORE_INDEX, lmHeadLoss, type Projection } from '../nn';
import { ShapeError, tf } from '../runtime';
import { rowTensor, type TokenRows } from './checkInputs';

/**
 * The mean cross-entropy of predicting `labels[t + 1]` from `hidden[t]`; labels of −100 are left out.
 *
 * Only the given positions go through the output layer, whose logits are the largest tensor of a step. Labels given as rows tell which
 * these are; labels given as a tensor are not read, and without positions every one goes through.
 *
 * Shapes: hidden (B, T, C), labels (B, T), positions (K) → ().
 */
export function nextTokenLoss(hidden: tf.Tensor, labels: TokenRows, lmHead: Projection, positions?: tf.Tensor1D): tf.Scalar {
  return tf.tidy(() => {
    const states: tf.Tensor2D = hidden.reshape([-1, lmHead.inFeatures]); // (N, C)
    const targets = nextLabels(rowTensor('labels', labels).toFloat()); // (N)
    const used = positions ?? (labels instanceof tf.Tensor ? undefined : positionTensor(labels));
    if (!used) return lmHeadLoss(states, targets, lmHead);
    if (used.rank !== 1 || used.size === 0) throw new ShapeError(`learnedPositions have shape [${used.shape}]: give them in one row`);
    return lmHeadLoss(tf.gather(states, used), tf.gather(targets, used), lmHead);
  });
}

/** The positions whose next label is not −100, counted through all rows; the last one of a row has no next. */
export function learnedPositions(labels: readonly (readonly number[])[]): number[] {
  const width = labels[0]?.length ?? 0;
  const positions: number[] = [];
  for (const [r, row] of labels.entries()) {
    for (let t = 1; t < row.length; t++) if (row[t] !== IGNORE_INDEX) positions.push(r * width + t - 1);
  }
  return positions;
}

/** With none to learn, one that is left out: a loss of 0 that has a gradient. */
function positionTensor(labels: readonly (readonly number[])[]): tf.Tensor1D {
  const learned = learnedPositions(labels);
  const last = (labels[0]?.length ?? 0) - 1;
  return tf.tensor1d(learned.length > 0 ? learned : [last], 'int32');
}

/** Each position's target, −100 on the last; in float32, which a GPU has kernels for that do not pass through its host. Shapes: (B, T) → (N). */
function nextLabels(labels: tf.Tensor2D): tf.Tensor {
  const [B, T] = labels.shape;
  const last = tf.fill([B, 1], IGNORE_INDEX);
  return tf.concat([labels.slice([0, 1], [B, T - 1]), last], 1).reshape([-1]);
}
