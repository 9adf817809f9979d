/** Examples, and the rectangular batches that a model is trained on. */
import { learnedPositions } from '../../llama';
import { IGNORE_INDEX } from '../../nn';
import { ArgumentError, ShapeError } from '../../runtime';
import { checkKnown } from '../../runtime/checkKnown';

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
