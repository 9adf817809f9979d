/** A few sizes in place of many, so that a run with examples of all lengths compiles a handful of functions. */
import { learnedPositions } from '../../llama';
import { IGNORE_INDEX } from '../../nn';
import type { Batch } from './batch';

/**
 * The batch, padded on the right to one of the widths 8, 16, 24, … 64, 80, … 128, 160, …: four to each doubling. Later tokens are hidden
 * from earlier ones and have no labels, so that the loss stays what it is.
 *
 * @param limit - the model's number of positions; a batch that would exceed it stays as it is
 */
export function padToBucket(batch: Batch, limit = Number.POSITIVE_INFINITY): Batch {
  const width = batch.inputIds[0]?.length ?? 0;
  const padding = bucketWidth(width) - width;
  if (padding === 0 || width + padding > limit) return batch;
  // Every row by as much: rows of different lengths stay so, and are refused as tensors.
  const pad = (rows: readonly (readonly number[])[], filler: number) =>
    rows.map((row) => [...row, ...new Array<number>(padding).fill(filler)]);
  const { inputIds, labels, attentionMask, segmentIds } = batch;
  return {
    inputIds: pad(inputIds, 0), // an id of any vocabulary
    labels: pad(labels, IGNORE_INDEX),
    ...(attentionMask && { attentionMask: pad(attentionMask, 0) }),
    ...(segmentIds && { segmentIds: pad(segmentIds, 0) }),
  };
}

/** For fewer rows than this the output layer takes no less time, which goes into reading its matrix. */
const FEWEST_POSITIONS = 64;

/**
 * The positions whose next label is learned, filled up to 64, 128, 256, … by one that has nothing to predict, the end of the first row;
 * undefined where those would be no fewer than all.
 */
export function paddedPositions(labels: Batch['labels']): number[] | undefined {
  const width = labels[0]?.length ?? 0;
  const learned = learnedPositions(labels);
  const count = Math.max(FEWEST_POSITIONS, 2 ** Math.ceil(Math.log2(learned.length)));
  if (count >= labels.length * width) return undefined;
  return [...learned, ...new Array<number>(count - learned.length).fill(width - 1)];
}

/** The least of the widths that is not below this one. */
export function bucketWidth(width: number): number {
  const step = Math.max(8, 2 ** (Math.ceil(Math.log2(Math.max(1, width))) - 3));
  return Math.ceil(width / step) * step;
}
