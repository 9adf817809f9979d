/** Products of a few rows with a weight in its stored format, by the native binding. */

import { type CustomCall, callKernel } from '../../runtime/compile/graph/stableHlo';
import { hasNativeKernels, TYPED_INTERFACE } from '../../runtime/compile/nativeKernels';
import { backendInternals, isRecording } from '../../runtime/compile/tfjsInternals';
import { activeTrace } from '../../runtime/compile/tracing/trace';
import type { tf } from '../../runtime/device/tensorflow';
import { ShapeError, UnsupportedError } from '../../runtime/errors';
import type { RowFormat } from '../packedWeight';

/** A weight in one of the formats. */
interface RowWeight {
  readonly format: RowFormat;
  /** The weight, and its scales if the format has them. */
  readonly parts: readonly tf.Tensor[];
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** With fewer values, reading the weight takes less time than calling the kernel. */
export const MIN_VALUES = 2 ** 16;

/** Whether the traced function can use such a product: XLA compiles it for the CPU, and no gradient is recorded. */
export function hasRowProducts(): boolean {
  return isForwardThroughXla() && hasNativeKernels();
}

/** Whether XLA fuses the reading of a large tensor with a sum over it: it compiles the function for a GPU, and no gradient is recorded. */
export function canFuseReads(): boolean {
  return isForwardThroughXla() && backendInternals().binding.isUsingGpuDevice();
}

function isForwardThroughXla(): boolean {
  return activeTrace()?.isXla === true && !isRecording();
}

/**
 * `x·Wᵀ` with sums in float32. All threads together read the weight once, in its stored format. It has no gradient.
 *
 * Shapes: x (N, I) → (N, O).
 *
 * @throws UnsupportedError unless {@link hasRowProducts}; ShapeError when x has another width than the weight.
 */
export function rowProduct(x: tf.Tensor, { format, parts, inFeatures, outFeatures }: RowWeight): tf.Tensor {
  return nativeProduct({ target: 'lowrank_row_product', config: `{format = "${format}"}` }, x, parts, [inFeatures, outFeatures]);
}

/**
 * `x·W` for a weight in float32, as {@link rowProduct}.
 *
 * Shapes: x (N, I), weight (I, O) → (N, O).
 *
 * @throws as {@link rowProduct}
 */
export function columnProduct(x: tf.Tensor, weight: tf.Tensor): tf.Tensor {
  const [I = 0, O = 0] = weight.shape;
  return nativeProduct({ target: 'lowrank_column_product', config: '{}' }, x, [weight], [I, O]);
}

function nativeProduct(
  kernel: Pick<CustomCall, 'target' | 'config'>,
  x: tf.Tensor,
  parts: readonly tf.Tensor[],
  [I, O]: readonly [number, number],
): tf.Tensor {
  if (!hasRowProducts())
    throw new UnsupportedError('a native product of rows can only be in a function that XLA compiles for the CPU, and has no gradient');
  if (x.rank !== 2 || x.shape[1] !== I) throw new ShapeError(`x [${x.shape}] does not fit a weight of ${I} inputs and ${O} outputs`);
  const operands = [x, ...parts].map((tensor) => ({
    tensor,
    value: { type: tensor.dtype === 'int32' ? ('int32' as const) : ('float32' as const), shape: tensor.shape },
  }));
  const [product] = callKernel({ ...kernel, apiVersion: TYPED_INTERFACE }, operands, [{ type: 'float32', shape: [x.shape[0] ?? 0, O] }]);
  if (!product) throw new TypeError('the native product of rows returned nothing');
  return product;
}
