/** Divides the data of a run into the batches of each update. */
import { sha256 } from '../../io/sha256';
import { ArgumentError } from '../../runtime';
import { checkGiven } from '../../runtime/checks/door';
import { warn } from '../../runtime/messages/warn';
import { type Batch, checkBatch, learnedTokens } from './batch';
import { checksum } from './batchChecksum';

/** Batches: an array, a generator, or a function of the epoch that returns one. */
export type BatchSource = BatchSequence | ((epoch: number) => BatchSequence);

/** The batches of one pass. */
export type BatchSequence = Iterable<Batch> | AsyncIterable<Batch>;

/** A position in the data: a batch of an epoch, both counted from 0. */
export interface DataPosition {
  readonly epoch: number;
  readonly batch: number;
  /** A checksum of the epoch's batches before it, by which a resumed run notices other data; none at the epoch's beginning. */
  readonly digest?: string;
}

export interface UpdateBatches {
  readonly batches: readonly Batch[];
  /** The position of the first batch. */
  readonly start: DataPosition;
  /** The position of the next update. */
  readonly end: DataPosition;
}

/** The data of a run. */
interface UpdateBatchesOptions {
  /** Passes over the data; unlimited by default. */
  readonly epochs?: number;
  /** Batches per update; the last update of an epoch may have fewer. */
  readonly gradientAccumulation: number;
  /** The first position; batches before it are read and skipped. A warning says where they differ from those of its checksum. */
  readonly start: DataPosition;
  /** Whether positions have checksums. */
  readonly digests?: boolean;
}

/** Reads the source epoch by epoch. @throws ArgumentError when an epoch has no batch, or an update no token to learn from. */
export async function* updateBatches(source: BatchSource, options: UpdateBatchesOptions): AsyncGenerator<UpdateBatches> {
  const { epochs = Number.POSITIVE_INFINITY, gradientAccumulation, start, digests = false } = options;
  for (let epoch = start.epoch; epoch < epochs; epoch++) {
    const skipped = epoch === start.epoch ? start.batch : 0;
    let pending: Batch[] = [];
    let read = 0;
    let digest: string | undefined;
    const batches = typeof source === 'function' ? source(epoch) : source;
    checkGiven('the data of a run', { batches }, { batches: 'items' });
    for await (const batch of batches) {
      checkBatch(batch, `batch ${read} of epoch ${epoch}`);
      read++;
      if (digests || start.digest !== undefined) digest = chained(digest, batch);
      if (read === skipped && start.digest !== undefined && digest !== start.digest) warn(otherData(start));
      if (read > skipped) pending.push(batch);
      if (pending.length === gradientAccumulation) {
        yield checked(pending, { epoch, batch: read - pending.length }, digest);
        pending = [];
      }
    }
    if (pending.length > 0) yield checked(pending, { epoch, batch: read - pending.length }, digest);
    if (read > 0 && read < skipped) warn(otherData(start));
    if (read === 0) throw new ArgumentError(emptyEpoch(epoch));
  }
}

function checked(batches: readonly Batch[], start: DataPosition, digest: string | undefined): UpdateBatches {
  if (batches.every((batch) => learnedTokens(batch) === 0)) {
    throw new ArgumentError(`batch ${start.batch} of epoch ${start.epoch} has no label to learn from: all of them are -100`);
  }
  return { batches, start, end: { epoch: start.epoch, batch: start.batch + batches.length, ...(digest && { digest }) } };
}

function chained(before = '', batch: Batch): string {
  return sha256(before, checksum([batch])).slice(0, 32);
}

function otherData({ epoch, batch }: DataPosition): string {
  return `the first ${batch} batches of epoch ${epoch} are not those that the checkpoint's run has trained on: the data have changed, or each reading draws them anew. The run continues with the present data, so its result differs from that of a run that was not stopped`;
}

function emptyEpoch(epoch: number): string {
  if (epoch === 0) return 'there is no batch to train on';
  return `no batches in epoch ${epoch}: a generator can be read only once, so give an array or a function of the epoch`;
}
