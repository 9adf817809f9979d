/** From examples to the batches of an epoch, the same ones for the same seed. */
import { ArgumentError, deriveSeed, shuffled } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { chunks } from '../../runtime/chunks';
import { groupsByLength } from '../../runtime/groupsByLength';
import { type Batch, type PadOptions, padBatch, type TrainingExample } from './batch';
import { packBatch, packRows } from './packing';

/** How examples are dealt out to batches. */
export interface BatchingOptions extends PadOptions {
  /** How many rows a batch has. */
  readonly batchSize: number;
  /**
   * Fills rows of this many tokens with several examples each, none of which sees another: less padding, and every batch of
   * one width. By itself it bounds no example's length: one that is longer is refused.
   */
  readonly pack?: number;
  /** What the order is drawn from; without a seed the examples keep their order. */
  readonly seed?: number;
  /** Which pass over the data this is: each has an order of its own. @defaultValue 0 */
  readonly epoch?: number;
  /** Puts examples of like length together, which saves padding; the order of the batches stays random. @defaultValue false */
  readonly bucketByLength?: boolean;
}

/** Examples within so many batches are sorted by length: enough to save most padding, few enough to stay mixed. */
const BATCHES_PER_BUCKET = 50;

/**
 * All the batches of one epoch; the last one may be smaller.
 *
 * For a run of several epochs hand `train` the function `(epoch) => makeBatches(examples, { …, seed, epoch })`.
 *
 * @throws ArgumentError when the batch size or the seed is out of range.
 */
export function makeBatches(examples: readonly TrainingExample[], options: BatchingOptions): Batch[] {
  checkKnown('makeBatches', options, ['batchSize', 'pack', 'seed', 'epoch', 'bucketByLength', 'padTokenId', 'side']);
  const { batchSize, pack, seed, epoch = 0, bucketByLength = false, padTokenId, side } = options;
  checkWhole('batchSize', batchSize);
  const shuffle = <T>(items: readonly T[], use: number) =>
    seed === undefined ? [...items] : shuffled(items, deriveSeed(seed, epoch, use));
  const order = shuffle(examples, 0);
  if (pack !== undefined) {
    if (bucketByLength) throw new ArgumentError('bucketByLength is for padded rows; packed ones are full, so leave it out');
    return chunks(packRows(order, pack), batchSize).map((rows) => packBatch(rows, pack, { padTokenId }));
  }
  const groups = bucketByLength ? shuffle(similarLengths(order, batchSize), 1) : chunks(order, batchSize);
  return groups.map((group) => padBatch(group, { padTokenId, side }));
}

/** Sorted within buckets only, so that the order stays random. */
function similarLengths(examples: readonly TrainingExample[], batchSize: number): TrainingExample[][] {
  const buckets = chunks(examples, batchSize * BATCHES_PER_BUCKET);
  return buckets.flatMap((bucket) => groupsByLength(bucket, batchSize, ({ inputIds }) => inputIds.length));
}
