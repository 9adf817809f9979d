/** The native operations that this library calls by name, made of plain operations of tfjs. */
import { tf } from '../device/tensorflow';
import { normals, uniforms } from './philox';

/** Takes an operation's inputs to its outputs. */
type Operation = (inputs: readonly tf.Tensor[]) => tf.Tensor[];

export const operations: Readonly<Record<string, Operation>> = {
  Identity: ([value]) => (value ? [value.clone()] : []),
  StatelessRandomUniform: (inputs) => [drawn(inputs, uniforms)],
  StatelessRandomNormal: (inputs) => [drawn(inputs, normals)],
  SparseSoftmaxCrossEntropyWithLogits: ([logits, labels]) => crossEntropy(logits as tf.Tensor2D, labels as tf.Tensor1D),
};

/** Shapes: shape (rank), key (2), int32. */
function drawn([shape, key]: readonly tf.Tensor[], draw: typeof uniforms): tf.Tensor {
  const sizes = [...((shape?.dataSync() ?? []) as Int32Array)];
  const [low = 0, high = 0] = (key?.dataSync() ?? []) as Int32Array;
  const count = sizes.reduce((product, size) => product * size, 1);
  return tf.tensor(draw([low, high], count), sizes);
}

/** Shapes: logits (N, V), labels (N) → losses (N) and their gradients by the logits (N, V). */
function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor[] {
  const shifted = logits.sub(logits.max(1, true));
  const logSums = shifted.exp().sum(1, true).log(); // (N, 1)
  const hot = tf.oneHot(labels, logits.shape[1]).toFloat();
  const logProbabilities = shifted.sub(logSums);
  return [logProbabilities.mul(hot).sum(1).neg(), logProbabilities.exp().sub(hot)];
}
