/** Next-token prediction as a loss, with Hugging Face's shift. */
import { headLoss, IGNORE_INDEX, type Projection } from '../nn';
import { tf } from '../runtime';
import type { Rows } from './inputs';

/**
 * The mean cross-entropy of predicting `labels[t + 1]` from `hidden[t]`; labels of −100 are left out.
 *
 * Labels given as rows are known here, so that only the positions they keep go through the output layer, whose logits are
 * the largest tensor of a step; labels given as a tensor are not read.
 *
 * Shapes: hidden (B, T, C), labels (B, T) → ().
 */
export function nextTokenLoss(hidden: tf.Tensor, labels: Rows, lmHead: Projection): tf.Scalar {
  return tf.tidy(() => {
    const states: tf.Tensor2D = hidden.reshape([-1, lmHead.inFeatures]); // (N, C)
    if (labels instanceof tf.Tensor) return headLoss(states, nextLabels(labels), lmHead);
    const targets = labels.flatMap((row) => [...row.slice(1), IGNORE_INDEX]); // nothing follows the last token
    const kept = [...targets.keys()].filter((position) => targets[position] !== IGNORE_INDEX);
    const used = kept.length > 0 ? kept : [0]; // one ignored position, for a loss of 0 that has a gradient
    const picked = tf.gather(states, tf.tensor1d(used, 'int32'));
    const pickedTargets = used.map((position) => targets[position] ?? IGNORE_INDEX);
    return headLoss(picked, tf.tensor1d(pickedTargets, 'int32'), lmHead);
  });
}

/** Each position's target, −100 on the last. Shapes: (B, T) → (N). */
function nextLabels(labels: tf.Tensor2D): tf.Tensor {
  const [B, T] = labels.shape;
  const last = tf.fill([B, 1], IGNORE_INDEX, 'int32');
  return tf.concat([labels.toInt().slice([0, 1], [B, T - 1]), last], 1).reshape([-1]);
}
