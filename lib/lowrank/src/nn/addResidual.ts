/** The sum of a layer's input and what the layer, or an adapter, adds to it. */
import type { tf } from '../runtime';
import { withGradient } from './customGradient';

/** `x + y`. Shapes: x and y of one shape. */
export function addResidual(x: tf.Tensor, y: tf.Tensor): tf.Tensor {
  return withGradient(
    [x, y],
    () => ({ value: x.add(y), saved: {} }),
    (dy) => [dy.clone(), dy.clone()], // two handles: tfjs disposes of each on its own
  );
}
