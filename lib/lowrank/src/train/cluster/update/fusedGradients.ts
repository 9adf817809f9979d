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

/** The tensor of a worker without rows. Shapes: said (n) → (P + 1 + n). */
export function fuseNothing(parameters: ReadonlyMap<string, tf.Tensor>, said: tf.Tensor1D): tf.Tensor1D {
  return tf.concat1d([tf.zeros([sizeOf(parameters) + 1]).as1D(), said]);
}

/** The fused parts; the gradients are still one tensor. Shapes: gradients (P), loss (), said (n). */
export function unfuse(fused: tf.Tensor1D, parameters: ReadonlyMap<string, tf.Tensor>) {
  const size = sizeOf(parameters);
  const [gradients, rest] = tf.split(fused, [size, fused.size - size]) as [tf.Tensor1D, tf.Tensor1D];
  return { gradients, loss: rest.slice([0], [1]).asScalar(), said: rest.slice([1]) };
}

/** The gradient of each parameter. TensorFlow copies nothing where they lie at aligned places. Shape of gradients: (P). */
export function divide(gradients: tf.Tensor1D, parameters: ReadonlyMap<string, tf.Tensor>): tf.NamedTensorMap {
  const parts = tf.split(
    gradients,
    Array.from(parameters.values(), ({ size }) => size),
  );
  return Object.fromEntries(Array.from(parameters, ([name, { shape }], index) => [name, (parts[index] as tf.Tensor).reshape(shape)]));
}

function sizeOf(parameters: ReadonlyMap<string, tf.Tensor>): number {
  return Array.from(parameters.values()).reduce((sum, { size }) => sum + size, 0);
}
