/** Evaluating batches on several workers, with the same numbers as on one. */
import { StateError } from '../../runtime';
import type { Cluster } from './cluster';

/** Whether this worker evaluates the batch of this number: they are dealt out one by one. */
export function isShareOf(cluster: Cluster | undefined, index: number): boolean {
  return !cluster || index % cluster.size === cluster.rank;
}

/** What a worker evaluates. */
interface Share {
  /** Of all batches; 0 for those of the others. */
  readonly losses: readonly number[];
  /** A checksum of all batches, also of those of the others. */
  readonly digest: string;
  readonly wantsStop: boolean;
}

/**
 * The losses of all batches. Each worker contributes those of its share, and 0 for the others. A number and zeros add up to that number, so
 * nothing is rounded.
 *
 * @returns undefined when a worker has been asked to stop.
 * @throws StateError when the workers have evaluated different numbers of batches, or other batches.
 */
export function gatherLosses(cluster: Cluster, { losses, digest, wantsStop }: Share): number[] | undefined {
  const mine = [losses.length, ...[0, 6].map((begin) => Number.parseInt(digest.slice(begin, begin + 6), 16))]; // exact in float32
  const said = Array.from({ length: cluster.size }, (_, rank) => (rank === cluster.rank ? mine : mine.map(() => 0)));
  // The counts go first, and alone: sums of different lengths would wait for each other.
  const [stops = 0, ...sums] = cluster.sumOf([wantsStop ? 1 : 0, ...said.flat()]);
  const lengths = said.map((_, rank) => sums[rank * mine.length]);
  if (lengths.some((length) => length !== losses.length))
    throw new StateError(`the workers evaluate ${lengths.join(', ')} batches: give all of them the same held-out data`);
  const others = said.flatMap((_, rank) => (mine.every((number, index) => sums[rank * mine.length + index] === number) ? [] : [rank]));
  if (others.length > 0) {
    const names = others.map((rank) => cluster.nameOf(rank)).join(', ');
    throw new StateError(`other batches than here are evaluated by ${names}: give all of them the same held-out data in the same order`);
  }
  if (stops > 0) return undefined;
  return losses.length === 0 ? [] : cluster.sumOf(losses);
}
