/** Makes the batches of an epoch from examples; the same seed makes the same batches. */
import { ArgumentError, deriveSeed, shuffled } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { chunks } from '../../runtime/chunks';
import { groupsByLength } from '../../runtime/groupsByLength';
import { type Batch, type PadOptions, padBatch, type TrainingExample } from './batch';
import { packBatch, packRows } from './packing';

/** The options of batching. */
export interface BatchingOptions extends PadOptions {
  /** Rows per batch. */
  readonly batchSize: number;
  /**
   * Fills rows of this many tokens with several examples each; examples do not see each other. There is less padding, and all batches have
   * the same width. A longer example is refused.
   */
  readonly pack?: number;
  /** Random seed of the order; without a seed, the examples keep their order. */
  readonly seed?: number;
  /** The number of the pass over the data: each pass has its own order. @defaultValue 0 */
  readonly epoch?: number;
  /** Groups examples of similar length, which saves padding; the order of the batches stays random. @defaultValue false */
  readonly bucketByLength?: boolean;
}

/** Examples are sorted by length within this number of batches: enough to save most padding, few enough to stay mixed. */
const BATCHES_PER_BUCKET = 50;

/**
 * All the batches of one epoch; the last one may be smaller.
 *
 * For several epochs, pass the function `(epoch) => makeBatches(examples, { …, seed, epoch })` to `train`.
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

/** Sorts within buckets only: the order stays random. */
function similarLengths(examples: readonly TrainingExample[], batchSize: number): TrainingExample[][] {
  const buckets = chunks(examples, batchSize * BATCHES_PER_BUCKET);
  return buckets.flatMap((bucket) => groupsByLength(bucket, batchSize, ({ inputIds }) => inputIds.length));
}
