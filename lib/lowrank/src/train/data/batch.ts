/** Examples, and the rectangular batches that a model is trained on. */
import { learnedPositions } from '../../llama';
import { checkIds, checkLabelIds } from '../../llama/inputs';
import { IGNORE_INDEX } from '../../nn';
import { ArgumentError, ShapeError, tf } from '../../runtime';
import { checkKnown } from '../../runtime/checkKnown';
import { bucketedPositions } from './padToBucket';

/** One sequence: `labels` are the ids themselves, or −100 where nothing is to be learned; the model shifts them by one. */
export interface TrainingExample {
  readonly inputIds: readonly number[];
  readonly labels: readonly number[];
}

/**
 * Sequences of one length; `attentionMask` is 0 on padding and 1 elsewhere, and left out where nothing is padded. Packed rows
 * have `segmentIds` in its place: the examples of a row counted from 1, and 0 on padding.
 */
export interface Batch {
  readonly inputIds: readonly (readonly number[])[];
  readonly labels: readonly (readonly number[])[];
  readonly attentionMask?: readonly (readonly number[])[];
  readonly segmentIds?: readonly (readonly number[])[];
}

/** A batch as the model takes it; whoever made it disposes it. */
export interface TensorBatch {
  readonly inputIds: tf.Tensor2D;
  readonly labels: tf.Tensor2D;
  readonly attentionMask?: tf.Tensor2D;
  readonly segmentIds?: tf.Tensor2D;
  /** The positions that the loss needs, where they are not all: a hint that saves time, which a model may ignore. Shapes: (K). */
  readonly learnedPositions?: tf.Tensor1D;
}

/** How sequences of different lengths become one batch. */
export interface PadOptions {
  /** The id that fills the rest of a row; it is masked, so any id of the vocabulary will do. */
  readonly padTokenId: number;
  /** Where the padding goes. @defaultValue 'right' */
  readonly side?: 'left' | 'right';
}

/**
 * Pads the examples to the longest of them; padding is masked and its labels are −100. Examples of one length get no mask.
 *
 * Shapes: inputIds, labels, attentionMask (B, T).
 *
 * @throws ArgumentError when there is no example; ShapeError when one has not as many labels as ids.
 */
export function padBatch(examples: readonly TrainingExample[], options: PadOptions): Batch {
  checkKnown('padBatch', options, ['padTokenId', 'side']);
  const { padTokenId, side = 'right' } = options;
  if (examples.length === 0) throw new ArgumentError('a batch needs at least one example');
  for (const [index, example] of examples.entries()) checkExample(example, index);
  const width = Math.max(...examples.map(({ inputIds }) => inputIds.length));
  const pad = (row: readonly number[], filler: number) => {
    const padding = new Array<number>(width - row.length).fill(filler);
    return side === 'right' ? [...row, ...padding] : [...padding, ...row];
  };
  const isPadded = examples.some(({ inputIds }) => inputIds.length < width);
  return {
    inputIds: examples.map(({ inputIds }) => pad(inputIds, padTokenId)),
    labels: examples.map(({ labels }) => pad(labels, IGNORE_INDEX)),
    ...(isPadded && { attentionMask: examples.map(({ inputIds }) => pad(new Array<number>(inputIds.length).fill(1), 0)) }),
  };
}

/** @throws ShapeError when the example has not as many labels as ids. */
export function checkExample({ inputIds, labels }: TrainingExample, index: number): void {
  if (inputIds.length === labels.length) return;
  throw new ShapeError(`example ${index} has ${inputIds.length} ids but ${labels.length} labels: give one label per id`);
}

/** How many tokens of the batch the loss is a mean over: the labels that are not −100, the first of each row excepted. */
export function learnedTokens({ labels }: Batch): number {
  return learnedPositions(labels).length;
}

/** How many tokens of the batch are not padding. */
export function realTokens({ inputIds, attentionMask, segmentIds }: Batch): number {
  const isReal = attentionMask ?? segmentIds;
  return isReal ? isReal.flat().filter((value) => value !== 0).length : inputIds.flat().length;
}

/**
 * The batch as int32 tensors, with the positions that the loss needs.
 *
 * @param vocabSize - where it is known, ids and labels must be below it: on a GPU TensorFlow would take zeros for others, in silence
 * @throws ShapeError when it is empty, ragged, or its parts differ in shape; ArgumentError when an id is not in the vocabulary.
 */
export function tensorBatch({ inputIds, labels, attentionMask, segmentIds }: Batch, vocabSize?: number): TensorBatch {
  if (vocabSize !== undefined) {
    checkIds(inputIds, vocabSize);
    checkLabelIds(labels, vocabSize);
  }
  const shape: [number, number] = [inputIds.length, inputIds[0]?.length ?? 0];
  const tensor = (name: string, rows: readonly (readonly number[])[]) => {
    if (shape[0] * shape[1] === 0) throw new ShapeError(`a batch of shape [${shape}] has nothing to train on`);
    if (rows.length !== shape[0] || rows.some((row) => row.length !== shape[1])) {
      const lengths = [...new Set(rows.map((row) => row.length))].join(', ');
      throw new ShapeError(
        `${name} should be [${shape}] as the first row of inputIds says; it has ${rows.length} rows of length ${lengths}`,
      );
    }
    return tf.tensor2d(Int32Array.from(rows.flat()), shape, 'int32');
  };
  return tf.tidy(() => {
    const tensors = {
      inputIds: tensor('inputIds', inputIds),
      labels: tensor('labels', labels),
      ...(attentionMask && { attentionMask: tensor('attentionMask', attentionMask) }),
      ...(segmentIds && { segmentIds: tensor('segmentIds', segmentIds) }),
    };
    const positions = bucketedPositions(labels);
    return positions ? { ...tensors, learnedPositions: tf.tensor1d(positions, 'int32') } : tensors;
  });
}
