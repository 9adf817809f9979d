/** The next-token prediction loss, with Hugging Face's shift. */
import { IGNORE_INDEX, lmHeadLoss, type Projection } from '../nn';
import { ShapeError, tf } from '../runtime';
import { rowTensor, type TokenRows } from './checkInputs';

/**
 * The mean cross-entropy of predicting `labels[t + 1]` from `hidden[t]`, ignoring labels of −100.
 *
 * Only the given positions pass through the output layer, because its logits are the largest tensor of a step. Labels in rows determine
 * these positions. Labels in a tensor are not read; without positions, all pass through.
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

/** The positions whose next label is not −100, counted through all rows; the last position of a row has no next label. */
export function learnedPositions(labels: readonly (readonly number[])[]): number[] {
  const width = labels[0]?.length ?? 0;
  const positions: number[] = [];
  for (const [r, row] of labels.entries()) {
    for (let t = 1; t < row.length; t++) if (row[t] !== IGNORE_INDEX) positions.push(r * width + t - 1);
  }
  return positions;
}

/** Without any learned position, returns an ignored one: the loss is 0 and has a gradient. */
function positionTensor(labels: readonly (readonly number[])[]): tf.Tensor1D {
  const learned = learnedPositions(labels);
  const last = (labels[0]?.length ?? 0) - 1;
  return tf.tensor1d(learned.length > 0 ? learned : [last], 'int32');
}

/** The target of each position, −100 for the last, as float32, because a GPU handles integers on its host. Shapes: (B, T) → (N). */
function nextLabels(labels: tf.Tensor2D): tf.Tensor {
  const [B, T] = labels.shape;
  const last = tf.fill([B, 1], IGNORE_INDEX);
  return tf.concat([labels.slice([0, 1], [B, T - 1]), last], 1).reshape([-1]);
}
