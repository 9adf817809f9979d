/** Packs loss and gradients of one update into a single tensor, so that the workers need one sum. */
import { StateError, tf } from '../../../runtime';
import type { LossAndGradients } from '../../step/gradients';

/**
 * The loss, all gradients in the order of the parameters, and the worker's statement. Shapes: said (n) → (1 + P + n), P the numbers of all
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
  return tf.concat1d([loss.as1D(), ...flat, said]);
}

/** What a worker without rows adds. Shapes: said (n) → (1 + P + n). */
export function fuseNothing(parameters: ReadonlyMap<string, tf.Tensor>, said: tf.Tensor1D): tf.Tensor1D {
  return tf.concat1d([tf.zeros([1 + sizeOf(parameters)]).as1D(), said]);
}

/** The parts of what was fused. */
export function unfuse(fused: tf.Tensor1D, parameters: ReadonlyMap<string, tf.Tensor>): LossAndGradients & { readonly said: tf.Tensor1D } {
  let begin = 1;
  const grads: tf.NamedTensorMap = {};
  for (const [name, { size, shape }] of parameters) {
    grads[name] = fused.slice([begin], [size]).reshape(shape);
    begin += size;
  }
  return { loss: fused.slice([0], [1]).asScalar(), grads, said: fused.slice([begin]) };
}

function sizeOf(parameters: ReadonlyMap<string, tf.Tensor>): number {
  return Array.from(parameters.values()).reduce((sum, { size }) => sum + size, 0);
}
