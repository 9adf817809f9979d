/** Pads batches to a few sizes: a run with examples of all lengths then compiles only a few functions. */
import { learnedPositions } from '../../llama/nextTokenLoss';
import { IGNORE_INDEX } from '../../nn';
import type { Batch } from './batch';

/**
 * The batch, padded on the right to one of the widths 8, 16, 24, … 64, 80, … 128, 160, …: four per doubling. The padding is hidden from the
 * tokens before it and has no labels, so the loss does not change.
 *
 * @param limit - the model's number of positions; a batch that would exceed it is not padded
 */
export function padToBucket(batch: Batch, limit = Number.POSITIVE_INFINITY): Batch {
  const width = batch.inputIds[0]?.length ?? 0;
  const padding = bucketWidth(width) - width;
  if (padding === 0 || width + padding > limit) return batch;
  // Every row by the same amount: rows of different lengths stay different, and are refused as tensors.
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

/** With fewer rows, the output layer is not faster: its time goes into reading its matrix. */
const FEWEST_POSITIONS = 64;

/**
 * The positions whose next label is learned, filled up to 64, 128, 256, … with a position that predicts nothing, the end of the first row;
 * undefined if this saves no positions.
 */
export function paddedPositions(labels: Batch['labels']): number[] | undefined {
  const width = labels[0]?.length ?? 0;
  const learned = learnedPositions(labels);
  const count = Math.max(FEWEST_POSITIONS, 2 ** Math.ceil(Math.log2(learned.length)));
  if (count >= labels.length * width) return undefined;
  return [...learned, ...new Array<number>(count - learned.length).fill(width - 1)];
}

/** The smallest of the widths that is at least this one. */
export function bucketWidth(width: number): number {
  const step = Math.max(8, 2 ** (Math.ceil(Math.log2(Math.max(1, width))) - 3));
  return Math.ceil(width / step) * step;
}
