/** The sum of a layer's input and the output of the layer or of an adapter. */
import type { tf } from '../runtime';
import { withGradient } from './customGradient';

/** `x + y`. Shapes: x and y have the same shape. */
export function addResidual(x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  return withGradient(
    [x, y],
    () => ({ value: x.add(y), saved: {} }),
    (dy) => [dy.clone(), dy.clone()], // two handles: tfjs disposes of each separately
  );
}
