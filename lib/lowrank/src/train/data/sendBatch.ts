/** Micro-batches as the device takes them. */
import type { RowRange } from '../../peft';
import { deviceInfo, tf } from '../../runtime';
import type { MicroBatch } from '../step/gradients';
import { padToBucket } from './padToBucket';
import type { Piece } from './pieces';
import { type TensorBatch, tensorBatch } from './tensorBatch';

/**
 * A micro-batch as a compiled function takes it. For a GPU its integers are float32, which is exact below 2²⁴: TensorFlow keeps integer
 * arguments in host memory and copies them when the function asks, which waits until the GPU has done everything before.
 */
export type SentBatch = {
  readonly tensors: tf.NamedTensorMap;
  readonly weight: tf.Scalar;
  /** Which rows of its batch these are, where it is not all of them. */
  readonly rows?: RowRange;
};

/** How batches become tensors. */
export interface SendOptions {
  /** Whether widths are padded to a few sizes, so that fewer functions are compiled. */
  readonly compile?: boolean | undefined;
  /** The model's limits, where it has some. */
  readonly config?: { readonly maxPositionEmbeddings?: number; readonly vocabSize?: number } | undefined;
}

/** The micro-batches of one update, each weighted by its share of all that the update learns; the caller disposes them. */
export function sentBatches(pieces: readonly Piece[], { compile = true, config }: SendOptions): SentBatch[] {
  const isGpu = deviceInfo().device === 'GPU';
  return pieces.map(({ batch, rows, share }) => {
    const padded = compile ? padToBucket(batch, config?.maxPositionEmbeddings) : batch;
    const tensors: tf.NamedTensorMap = { ...tensorBatch(padded, config?.vocabSize, isGpu ? 'float32' : 'int32') };
    return { tensors, weight: tf.scalar(share), ...(rows && { rows }) };
  });
}

/** The micro-batch as the model takes it, with int32 tensors. */
export function unsent({ tensors, weight }: SentBatch): MicroBatch {
  const entries = Object.entries(tensors).map(([name, tensor]) => [name, tensor.dtype === 'int32' ? tensor : tensor.toInt()]);
  return { ...(Object.fromEntries(entries) as TensorBatch), weight };
}
