/** Products of few rows with a weight as it is stored, by this library's part of the native binding. */
import { ShapeError, UnsupportedError } from '../errors';
import type { tf } from '../tensorflow';
import { backendInternals, isRecording } from './internals';
import { hasNativeKernels, TYPED_INTERFACE } from './nativeKernels';
import { callKernel, type Kernel } from './stableHlo';
import { activeTrace } from './trace';

/** How a weight (out, in) is stored, one row after another: `int8` has a scale for each row besides, the last three are blocks of GGML. */
type RowFormat = 'float32' | 'bfloat16' | 'int8' | 'Q4_0' | 'Q4_1' | 'Q8_0';

/** A weight in one of the formats. */
export interface RowWeight {
  readonly format: RowFormat;
  /** The weight, and its scales where the format has some. */
  readonly parts: readonly tf.Tensor[];
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** A weight of fewer values is read in less time than it takes to call for it. */
export const MIN_VALUES = 2 ** 16;

/** Whether the present trace can hold such a product: XLA compiles it for the CPU, and no gradient is asked for. */
export function hasRowProducts(): boolean {
  return isForwardThroughXla() && hasNativeKernels();
}

/** Whether what the present trace makes of a large tensor and sums up at once is never in memory: XLA compiles it for a GPU, and no gradient is asked for. */
export function canFuseReads(): boolean {
  return isForwardThroughXla() && backendInternals().binding.isUsingGpuDevice();
}

function isForwardThroughXla(): boolean {
  return activeTrace()?.isXla === true && !isRecording();
}

/**
 * `x·Wᵀ` with sums in float32. The weight is read once, as it is stored, by all threads. It has no gradient.
 *
 * Shapes: x (N, I) → (N, O).
 *
 * @throws UnsupportedError where {@link hasRowProducts} says no; ShapeError when x has another width than the weight.
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
  kernel: Pick<Kernel, 'target' | 'config'>,
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
  if (!product) throw new TypeError('the native product of rows gave nothing');
  return product;
}
