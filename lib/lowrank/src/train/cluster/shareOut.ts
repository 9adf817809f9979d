/** Divides the items of a list among the workers of a cluster. */
import { AbortedError } from '../../runtime';
import type { Cluster } from './cluster';
import { isShareOf } from './gatherLosses';
import { shakeHands } from './join/handshake';

/** A list, and the work on each item. */
interface SharedWork<Item, Result> {
  /** The same in all workers. */
  readonly items: readonly Item[];
  /** Result of one item, which comes through JSON unchanged. It throws an AbortedError where this worker is to stop. */
  readonly work: (item: Item) => Promise<Result>;
  /** In a cluster: what must be the same in all workers, as short texts. */
  readonly facts: () => Readonly<Record<string, string>>;
  /** Called after each of this worker's items with the number that all have done if the others are as far. */
  readonly onProgress?: (done: number) => void;
}

/**
 * The results of all items in their order, in every worker. Without a cluster, this process does them all.
 *
 * @throws StateError when the workers differ in a fact; AbortedError in all workers when one of them is to stop; WorkerLostError when a worker is
 * lost, or needs longer than the time-out for an item that others wait for.
 */
export async function shareOut<Item, Result>(cluster: Cluster | undefined, shared: SharedWork<Item, Result>): Promise<Result[]> {
  if (cluster) return cluster.together(() => throughCluster(cluster, shared));
  const { items, work, onProgress } = shared;
  const results: Result[] = [];
  for (const [index, item] of items.entries()) {
    results.push(await work(item));
    onProgress?.(index + 1);
  }
  return results;
}

/** A worker's report on an item. */
type Told<Result> = { readonly result: Result } | { readonly isStopped: true };

async function throughCluster<Item, Result>(
  cluster: Cluster,
  { items, work, facts, onProgress }: SharedWork<Item, Result>,
): Promise<Result[]> {
  await shakeHands(cluster, facts());
  const keys = items.map((_, index) => cluster.keyHere(`item-${index}`));
  const tell = (index: number, told: Told<Result>) => cluster.tell(keys[index] ?? '', JSON.stringify(told));
  for (const [index, item] of items.entries()) {
    if (!isShareOf(cluster, index)) continue;
    try {
      await tell(index, { result: await work(item) });
    } catch (error) {
      if (!(error instanceof AbortedError)) throw error;
      await tell(index, { isStopped: true });
      cluster.meet(); // the others have learnt it
      throw error;
    }
    onProgress?.(Math.min(items.length, index - cluster.rank + cluster.size));
  }
  const results: Result[] = [];
  for (const key of keys) {
    const told = JSON.parse(await cluster.told(key)) as Told<Result>;
    if ('result' in told) {
      results.push(told.result);
      continue;
    }
    cluster.meet();
    throw new AbortedError('the work was stopped by the signal of another worker');
  }
  cluster.meet(); // worker 0 keeps what the others still read
  return results;
}
