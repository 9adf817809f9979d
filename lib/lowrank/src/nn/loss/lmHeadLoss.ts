/** Output layer and loss together: the logits of all tokens are never in memory at once. */
import { compile, isRecording, isTracing, ShapeError, tf } from '../../runtime';
import { withGradient } from '../customGradient';
import type { Projection } from '../linear';
import { crossEntropy, IGNORE_INDEX, weightedCrossEntropy } from './crossEntropy';

/** Maximum number of logits in memory at a time: 32 MiB. */
const MAX_LOGITS = 2 ** 23;

/**
 * `crossEntropy(head(x), labels)`.
 *
 * In a compiled function with a frozen head, the rows pass through the head in chunks, and the gradient of each chunk by x is computed
 * together with its loss. The logits, by far the largest tensor of a step, never exist as a whole, and none is held until the backward pass
 * (as in Hsu et al. 2024, "Liger Kernel", arXiv 2410.10989, section 3.2).
 *
 * Labels may be float32. In a compiled function they are float32 until the loss needs integers: TensorFlow keeps integers that one of its
 * functions passes to another in the memory of the GPU's host.
 *
 * Shapes: x (N, C), labels (N) → ().
 *
 * @param maxLogits - @defaultValue 2²³, which take 32 MiB
 */
export function lmHeadLoss(x: tf.Tensor, labels: tf.Tensor, head: Projection, maxLogits = MAX_LOGITS): tf.Scalar {
  const rows = chunkRows(head.outFeatures, maxLogits);
  const [N = 0] = x.shape;
  if (!isTracing() || N <= rows || !isFrozen(head)) return tf.tidy(() => crossEntropy(head.forward(x), labels.toInt()));
  return tf.tidy(() => chunkedLoss(x, labels.toFloat(), head, rows));
}

function chunkedLoss(x: tf.Tensor, labels: tf.Tensor, head: Projection, rows: number): tf.Scalar {
  const kept = labels.notEqual(IGNORE_INDEX);
  const weights = kept.toFloat().div(tf.maximum(kept.toFloat().sum(), 1));
  const sizes = chunkSizes(x.shape[0] ?? 0, rows);
  const parts = <T extends tf.Tensor>(tensor: T) => tf.split(tensor, sizes) as T[];
  const chunks = (states: tf.Tensor) => {
    const [targets, shares] = [parts(labels), parts(weights)];
    return parts(states).map((chunk, i): ChunkArguments => [head, chunk, targets[i] ?? labels, shares[i] ?? weights]);
  };
  const none = tf.scalar(0);
  if (!isRecording()) return chunks(x).reduce((sum, chunk) => addLoss(sum, ...chunk), none);
  const loss = withGradient(
    [x],
    () => {
      const gradients: tf.Tensor[] = [];
      let value = none;
      for (const chunk of chunks(x)) {
        const added = addLossAndGradients(value, ...chunk);
        value = added.value;
        gradients.push(added.gradients);
      }
      return { value, saved: { gradients: tf.concat(gradients) } };
    },
    (dy, { gradients }) => [gradients.mul(dy)],
  );
  return loss as tf.Scalar;
}

type ChunkArguments = [head: Projection, states: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor];

const lossOf = (...[head, states, labels, weights]: ChunkArguments) => weightedCrossEntropy(head.forward(states), labels.toInt(), weights);

/** Takes the sum of the previous losses: TensorFlow then never holds the logits, or the unpacked head, of two chunks at a time. */
const addLoss = compile((sum: tf.Scalar, ...chunk: ChunkArguments): tf.Scalar => sum.add(lossOf(...chunk)), { name: 'head_loss' });

/** As {@link addLoss}, with the gradient of this chunk's loss by its states. */
const addLossAndGradients = compile(
  (sum: tf.Scalar, ...[head, states, labels, weights]: ChunkArguments) => {
    const { value, grads } = tf.valueAndGrads((rows: tf.Tensor) => lossOf(head, rows, labels, weights))([states]);
    const [gradients] = grads;
    if (!gradients) throw new ShapeError('the loss has no gradient by its states');
    return { value: sum.add<tf.Scalar>(value), gradients };
  },
  { name: 'head_loss_and_gradients' },
);

/** Whether the head's parameters, own and borrowed, get no gradient. */
function isFrozen(head: Projection): boolean {
  for (const [, module] of head.namedModules()) {
    for (const part of [module, ...module.borrowedParts()]) if (!part.trainableParameters()[Symbol.iterator]().next().done) return false;
  }
  return true;
}

/** The number of rows whose logits stay below the limit, a multiple of 32 if there are that many. */
function chunkRows(vocabSize: number, maxLogits: number): number {
  const rows = Math.max(1, Math.floor(maxLogits / vocabSize));
  return rows < 32 ? rows : rows - (rows % 32);
}

function chunkSizes(total: number, rows: number): number[] {
  const rest = total % rows;
  return [...new Array<number>(Math.floor(total / rows)).fill(rows), ...(rest > 0 ? [rest] : [])];
}
