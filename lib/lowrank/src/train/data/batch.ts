/** Examples, and the rectangular batches that a model is trained on. */
import { longest, padLeft } from '../../llama/generation/padLeft';
import { learnedPositions } from '../../llama/nextTokenLoss';
import { IGNORE_INDEX } from '../../nn';
import { ArgumentError, memoryPlan, ShapeError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkMemory } from '../../runtime/memory/memoryBudget';

/** One sequence: `labels` are the ids themselves, or −100 for positions without loss; the model shifts them by one. */
export interface TrainingExample {
  readonly inputIds: readonly number[];
  readonly labels: readonly number[];
}

/**
 * Sequences of one length; `attentionMask` is 0 on padding and 1 elsewhere, and left out if nothing is padded. Packed rows
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
  /** The side of the padding. @defaultValue 'right' */
  readonly side?: 'left' | 'right';
}

/** In bytes, as measured: ids, labels and mask, and what their copying takes. */
const PER_TOKEN = 75;

/**
 * Pads the examples to the longest one; padding is masked and its labels are −100. Examples of equal length get no mask.
 *
 * Shapes: inputIds, labels, attentionMask (B, T).
 *
 * @throws ArgumentError without an example; ShapeError when an example has not as many labels as ids; MemoryError when the rows do not fit.
 */
export function padBatch(examples: readonly TrainingExample[], options: PadOptions): Batch {
  checkKnown('padBatch', options, ['padTokenId', 'side']);
  const { padTokenId, side = 'right' } = options;
  if (examples.length === 0) throw new ArgumentError('a batch needs at least one example');
  for (const [index, example] of examples.entries()) checkExample(example, index);
  const pad = side === 'left' ? padLeft : padRight;
  const inputIds = examples.map((example) => example.inputIds);
  const labels = examples.map((example) => example.labels);
  const lengths = inputIds.map(({ length }) => length);
  const isPadded = new Set(lengths).size > 1;
  const [B, T] = [examples.length, longest(inputIds)];
  checkMemory(memoryPlan([{ name: 'rows of numbers', bytes: B * T * PER_TOKEN }]), {
    what: `padding ${B} examples to ${T} tokens`,
    remedy: 'Take fewer examples at once, or shorter ones',
  });
  const ones = () => inputIds.map(({ length }) => new Array<number>(length).fill(1));
  return {
    inputIds: pad(inputIds, padTokenId),
    labels: pad(labels, IGNORE_INDEX),
    ...(isPadded && { attentionMask: pad(ones(), 0) }),
  };
}

/** Parts of a batch that an example cannot have: batches are padded and packed here. What else it carries, such as an id, is passed over. */
const OF_BATCHES = ['attentionMask', 'attention_mask', 'segmentIds', 'positionIds', 'position_ids'];

/** @throws ArgumentError when the example has a mask or positions; ShapeError when its numbers of labels and ids differ. */
export function checkExample(example: TrainingExample, index: number): void {
  const lost = OF_BATCHES.find((name) => name in example);
  if (lost)
    throw new ArgumentError(`example ${index} has ${lost}, which would be lost: give its tokens without padding, which is added here`);
  const { inputIds, labels } = example;
  if (inputIds.length === labels.length) return;
  throw new ShapeError(`example ${index} has ${inputIds.length} ids but ${labels.length} labels: give one label per id`);
}

/** @throws ArgumentError when it has no rows of ids or labels, or a part that no model reads. */
export function checkBatch(batch: Partial<Batch> | null | undefined, what: string): asserts batch is Batch {
  const missing = (['inputIds', 'labels'] as const).find((name) => !batch?.[name]?.every?.(Array.isArray));
  if (missing !== undefined || !batch)
    throw new ArgumentError(
      `${what} has no rows of ${missing}: give lists of ids and lists of labels, { inputIds: [[1, 2]], labels: [[1, 2]] }`,
    );
  checkKnown(what, batch, ['inputIds', 'labels', 'attentionMask', 'segmentIds']);
}

/** The number of tokens in the mean loss: the labels that are not −100, without the first of each row. */
export function learnedTokens({ labels }: Batch): number {
  return learnedPositions(labels).length;
}

/** The number of tokens that are not padding. */
export function realTokens({ inputIds, attentionMask, segmentIds }: Batch): number {
  const isReal = attentionMask ?? segmentIds;
  return isReal ? isReal.flat().filter((value) => value !== 0).length : inputIds.flat().length;
}

/** The rows, followed by `filler` up to the length of the longest or to `width`. */
export function padRight(rows: readonly (readonly number[])[], filler: number, width = longest(rows)): number[][] {
  return rows.map((row) => [...row, ...new Array<number>(width - row.length).fill(filler)]);
}
