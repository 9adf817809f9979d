/** Evaluating batches on several workers, with the same numbers as on one. */
import { StateError } from '../../runtime';
import type { Cluster } from './cluster';

/** Whether this worker evaluates the batch of this number: they are dealt out one by one. */
export function isShareOf(cluster: Cluster | undefined, index: number): boolean {
  return !cluster || index % cluster.size === cluster.rank;
}

/**
 * The losses of all batches. Each worker contributes those of its share, and 0 for the others. A number and zeros add up to that number, so
 * nothing is rounded.
 *
 * @returns undefined when a worker has been asked to stop.
 * @throws StateError when the workers have evaluated different numbers of batches.
 */
export function gatherLosses(cluster: Cluster, losses: readonly number[], wantsStop: boolean): number[] | undefined {
  const counts = Array.from({ length: cluster.size }, (_, rank) => (rank === cluster.rank ? losses.length : 0));
  // The counts go first, and alone: sums of different lengths would wait for each other.
  const [stops = 0, ...lengths] = cluster.sumOf([wantsStop ? 1 : 0, ...counts]);
  if (lengths.some((length) => length !== losses.length))
    throw new StateError(`the workers evaluate ${lengths.join(', ')} batches: give all of them the same held-out data`);
  if (stops > 0) return undefined;
  return losses.length === 0 ? [] : cluster.sumOf(losses);
}
