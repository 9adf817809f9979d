/** An update's batches, or a worker's part of them. */
import type { RowRange } from '../../peft';
import { type Batch, learnedTokens } from './batch';

/** Some rows of a batch that go through the model together. */
export interface Piece {
  readonly batch: Batch;
  /** The batch's number in the update. */
  readonly index: number;
  /** Which rows of it these are, where it is not all of them. */
  readonly rows?: RowRange;
  /** Their share of the update's learned tokens: what their mean loss counts. */
  readonly share: number;
}

/** Which of several workers. */
export interface Worker {
  readonly rank: number;
  readonly size: number;
}

const ALONE: Worker = { rank: 0, size: 1 };

/**
 * A worker's part of an update: the rows of all batches, in their order, are cut into runs as even as can be. The shares of all workers sum to 1,
 * so the sum of their weighted losses is the mean over all learned tokens, however these are spread.
 *
 * Of several workers none gets rows that have nothing to learn, and one may get none at all.
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

/** The rows keep the width and the mask of their batch. */
function rowsOf({ inputIds, labels, attentionMask, segmentIds }: Batch, first: number, end: number): Batch {
  return {
    inputIds: inputIds.slice(first, end),
    labels: labels.slice(first, end),
    ...(attentionMask && { attentionMask: attentionMask.slice(first, end) }),
    ...(segmentIds && { segmentIds: segmentIds.slice(first, end) }),
  };
}
