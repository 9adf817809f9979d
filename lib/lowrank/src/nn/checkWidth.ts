/** Checks the width of a layer's input. */
import { ShapeError, StateError, type tf } from '../runtime';

/** @throws ShapeError with both shapes when the last axis of x does not have the layer's input width; StateError when x was disposed of. */
export function checkWidth(layer: string, x: tf.Tensor, width: number): void {
  if (x.isDisposed) throw new StateError(`${layer} got a tensor of shape [${x.shape}] that was disposed of`);
  if (x.rank > 0 && x.shape[x.rank - 1] === width) return;
  throw new ShapeError(`${layer} takes (…, ${width}), a last axis of width ${width}; got shape [${x.shape}]`);
}
