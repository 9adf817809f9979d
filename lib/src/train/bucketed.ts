/** A few widths in place of many, so that a run with examples of all lengths compiles a handful of functions. */
import { IGNORE_INDEX } from '../nn';
import type { Batch } from './batch';

/**
 * The batch, padded on the right to one of the widths 8, 16, 24, … 64, 80, … 128, 160, …: four to each doubling. Later tokens are hidden
 * from earlier ones and have no labels, so that the loss stays what it is.
 *
 * @param limit - the model's number of positions; a batch that would exceed it stays as it is
 */
export function bucketed(batch: Batch, limit = Number.POSITIVE_INFINITY): Batch {
  const width = batch.inputIds[0]?.length ?? 0;
  const padding = bucketWidth(width) - width;
  if (padding === 0 || width + padding > limit) return batch;
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

/** The least of the widths that is not below this one. */
export function bucketWidth(width: number): number {
  const step = Math.max(8, 2 ** (Math.ceil(Math.log2(Math.max(1, width))) - 3));
  return Math.ceil(width / step) * step;
}
