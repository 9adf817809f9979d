/** Packs loss and gradients of one update into a single tensor, so that the workers need one sum. */
import { StateError, tf } from '../../../runtime';
import type { LossAndGradients } from '../../step/gradients';

/**
 * All gradients in the order of the parameters, the loss, and the worker's statement. Shapes: said (n) → (P + 1 + n), P the numbers of all
 * parameters.
 *
 * @throws StateError if a parameter has no gradient, because another worker might have one.
 */
export function fuse({ loss, grads }: LossAndGradients, parameters: ReadonlyMap<string, tf.Tensor>, said: tf.Tensor1D): tf.Tensor1D {
  const flat = Array.from(parameters.keys(), (name) => {
    const grad = grads[name];
    if (grad) return grad.flatten();
    throw new StateError(`no gradient reaches the trained parameter '${name}': across workers every one needs a gradient, so freeze it`);
  });
  return tf.concat1d([...flat, loss.as1D(), said]);
}

/** What a worker without rows adds. Shapes: said (n) → (P + 1 + n). */
export function fuseNothing(parameters: ReadonlyMap<string, tf.Tensor>, said: tf.Tensor1D): tf.Tensor1D {
  return tf.concat1d([tf.zeros([sizeOf(parameters) + 1]).as1D(), said]);
}

/** The parts of what was fused. The gradients come first and are split among themselves: at aligned places TensorFlow then copies nothing. */
export function unfuse(fused: tf.Tensor1D, parameters: ReadonlyMap<string, tf.Tensor>): LossAndGradients & { readonly said: tf.Tensor1D } {
  const size = sizeOf(parameters);
  const [all, rest] = tf.split(fused, [size, fused.size - size]) as [tf.Tensor1D, tf.Tensor1D];
  const parts = tf.split(
    all,
    Array.from(parameters.values(), (parameter) => parameter.size),
  );
  const grads = Array.from(parameters, ([name, { shape }], index) => [name, (parts[index] as tf.Tensor).reshape(shape)] as const);
  return { loss: rest.slice([0], [1]).asScalar(), grads: Object.fromEntries(grads), said: rest.slice([1]) };
}

function sizeOf(parameters: ReadonlyMap<string, tf.Tensor>): number {
  return Array.from(parameters.values()).reduce((sum, { size }) => sum + size, 0);
}
