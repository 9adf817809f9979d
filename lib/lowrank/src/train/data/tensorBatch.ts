/** Batches as tensors. */
import { checkIds, checkLabelIds, checkMask, checkSegments } from '../../llama/checkInputs';
import { ShapeError, tf } from '../../runtime';
import type { Batch } from './batch';
import { paddedPositions } from './padToBucket';

/** A batch as tensors for the model; its creator disposes of it. */
export interface TensorBatch {
  readonly inputIds: tf.Tensor2D;
  readonly labels: tf.Tensor2D;
  readonly attentionMask?: tf.Tensor2D;
  readonly segmentIds?: tf.Tensor2D;
  /** The positions that the loss needs, if not all: a hint that saves time and that a model may ignore. Shapes: (K). */
  readonly learnedPositions?: tf.Tensor1D;
}

/**
 * The batch as tensors, with the positions that the loss needs.
 *
 * @param vocabSize - if given, ids and labels must be below it: on a GPU, TensorFlow would silently read zeros for others
 * @param dtype - the type of the tensors. @defaultValue 'int32', the type for models
 * @throws ShapeError when it is empty or ragged, or its parts differ in shape; ArgumentError when an id is not in the vocabulary, or a mask
 * or a segment has another value than those of {@link Batch}.
 */
export function tensorBatch(
  { inputIds, labels, attentionMask, segmentIds }: Batch,
  vocabSize?: number,
  dtype: 'int32' | 'float32' = 'int32',
): TensorBatch {
  if (vocabSize !== undefined) {
    checkIds(inputIds, vocabSize);
    checkLabelIds(labels, vocabSize);
  }
  if (attentionMask) checkMask(attentionMask);
  if (segmentIds) checkSegments(segmentIds);
  const shape: [number, number] = [inputIds.length, inputIds[0]?.length ?? 0];
  const values = (row: readonly number[]) => (dtype === 'int32' ? Int32Array.from(row) : Float32Array.from(row));
  const tensor = (name: string, rows: readonly (readonly number[])[]) => {
    if (shape[0] * shape[1] === 0) throw new ShapeError(`a batch of shape [${shape}] has nothing to train on`);
    if (rows.length !== shape[0] || rows.some((row) => row.length !== shape[1])) {
      const lengths = [...new Set(rows.map((row) => row.length))].join(', ');
      throw new ShapeError(
        `${name} should be [${shape}] as the first row of inputIds says; it has ${rows.length} rows of length ${lengths}`,
      );
    }
    return tf.tensor2d(values(rows.flat()), shape, dtype);
  };
  return tf.tidy(() => {
    const tensors = {
      inputIds: tensor('inputIds', inputIds),
      labels: tensor('labels', labels),
      ...(attentionMask && { attentionMask: tensor('attentionMask', attentionMask) }),
      ...(segmentIds && { segmentIds: tensor('segmentIds', segmentIds) }),
    };
    const positions = paddedPositions(labels);
    return positions ? { ...tensors, learnedPositions: tf.tensor1d(values(positions), dtype) } : tensors;
  });
}
