/** Sends micro-batches to the device. */
import type { RowRange } from '../../peft';
import { deviceInfo, tf } from '../../runtime';
import type { MicroBatch } from '../step/gradients';
import { padToBucket } from './padToBucket';
import { type TensorBatch, tensorBatch } from './tensorBatch';
import type { Piece } from './workerRows';

/**
 * A micro-batch as input of a compiled function. For a GPU, its integers are float32 (exact below 2²⁴): TensorFlow keeps integer arguments
 * in host memory, and copying them stalls the GPU.
 */
export type SentBatch = {
  readonly tensors: tf.NamedTensorMap;
  readonly weight: tf.Scalar;
  /** Its rows of the batch, if it does not contain all of them. */
  readonly rows?: RowRange;
};

/** The options for turning batches into tensors. */
interface SendOptions {
  /** Whether widths are padded to a few sizes, which needs fewer compiled functions. */
  readonly compile?: boolean | undefined;
  /** The model's limits, if it has any. */
  readonly config?: { readonly maxPositionEmbeddings?: number; readonly vocabSize?: number } | undefined;
}

/** The micro-batches of one update, each with its share of the learned tokens as weight; the caller disposes of them. */
export function sentBatches(pieces: readonly Piece[], { compile = true, config }: SendOptions): SentBatch[] {
  const isGpu = deviceInfo().device === 'GPU';
  return pieces.map(({ batch, rows, share }) => {
    const padded = compile ? padToBucket(batch, config?.maxPositionEmbeddings) : batch;
    const tensors: tf.NamedTensorMap = { ...tensorBatch(padded, config?.vocabSize, isGpu ? 'float32' : 'int32') };
    return { tensors, weight: tf.scalar(share), ...(rows && { rows }) };
  });
}

/** The micro-batch as input of the model, with int32 tensors. */
export function unsent({ tensors, weight }: SentBatch): MicroBatch {
  const entries = Object.entries(tensors).map(([name, tensor]) => [name, tensor.dtype === 'int32' ? tensor : tensor.toInt()]);
  return { ...(Object.fromEntries(entries) as TensorBatch), weight };
}
