/** Checks the width of a layer's input. */
import { ShapeError, type tf } from '../runtime';

/** @throws ShapeError with both shapes when the last axis of x does not have the layer's input width. */
export function checkWidth(layer: string, x: tf.Tensor, width: number): void {
  if (x.rank > 0 && x.shape[x.rank - 1] === width) return;
  throw new ShapeError(`${layer} takes (…, ${width}), a last axis of width ${width}; got shape [${x.shape}]`);
}
