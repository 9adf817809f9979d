/** The batches of an update, or a worker's part of them. */
import type { RowRange } from '../../peft';
import { type Batch, learnedTokens } from './batch';

/** Rows of a batch that pass through the model together. */
export interface Piece {
  readonly batch: Batch;
  /** The index of the batch in the update. */
  readonly index: number;
  /** Its rows, if it does not contain all of them. */
  readonly rows?: RowRange;
  /** Their share of the update's learned tokens: the weight of their mean loss. */
  readonly share: number;
}

/** One of several workers. */
export interface Worker {
  readonly rank: number;
  readonly size: number;
}

const ALONE: Worker = { rank: 0, size: 1 };

/**
 * A worker's part of an update: the rows of all batches, in their order, are divided into runs of almost equal size. The shares of all
 * workers sum to 1, so the sum of their weighted losses is the mean over all learned tokens, in any distribution.
 *
 * With several workers, no worker gets rows without labels, and a worker may get no rows at all.
 */
export function piecesOf(batches: readonly Batch[], { rank, size }: Worker = ALONE): Piece[] {
  const total = batches.reduce((sum, batch) => sum + learnedTokens(batch), 0);
  const rows = batches.reduce((sum, { inputIds }) => sum + inputIds.length, 0);
  const [from, to] = [rank, rank + 1].map((cut) => Math.floor((rows * cut) / size)) as [number, number];
  let before = 0;
  return batches.flatMap((batch, index) => {
    const of = batch.inputIds.length;
    const [first, end] = [Math.max(from - before, 0), Math.min(to - before, of)];
    before += of;
    if (size > 1 && first >= end) return [];
    const count = end - first;
    const part = count === of ? batch : rowsOf(batch, first, end);
    const learned = learnedTokens(part);
    if (size > 1 && learned === 0) return [];
    return [{ batch: part, index, share: learned / total, ...(count < of && { rows: { first, count, of } }) }];
  });
}

/** Rows keep the width and the mask of their batch. */
function rowsOf({ inputIds, labels, attentionMask, segmentIds }: Batch, first: number, end: number): Batch {
  return {
    inputIds: inputIds.slice(first, end),
    labels: labels.slice(first, end),
    ...(attentionMask && { attentionMask: attentionMask.slice(first, end) }),
    ...(segmentIds && { segmentIds: segmentIds.slice(first, end) }),
  };
}
