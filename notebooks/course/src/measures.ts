/** Measures of a tensor's size, and of the directions that it uses. */
import { tf } from 'lowrank';
import { singularValues as decomposed } from 'lowrank/internal';

/** The largest absolute value; of a difference, how far two tensors are apart at most. */
export function largest(tensor: tf.Tensor): number {
  return tf.tidy(() => tensor.abs().max().dataSync<'float32'>()[0] ?? Number.NaN);
}

/** The root of the sum of squares, ‖x‖. */
export function norm(tensor: tf.Tensor): number {
  return tf.tidy(() => tensor.square().sum().sqrt().dataSync<'float32'>()[0] ?? Number.NaN);
}

/** The singular values of a matrix, largest first. Shapes: (m, n) → min(m, n) numbers. */
export function singularValues(matrix: tf.Tensor): number[] {
  return tf.tidy(() => Array.from(decomposed(matrix).s.dataSync<'float32'>()));
}
