import { StateError } from 'lowrank';
import { expect, test } from 'vitest';
import type { Cluster } from '../../../lib/lowrank/src/train/cluster/cluster';
import { gatherLosses } from '../../../lib/lowrank/src/train/cluster/gatherLosses';

const [same, other] = ['0123456789ab', '0123456789ac'];

/** What worker 0 gathers beside another one, which has said `[stop, length, digest]` and sends `losses` then. */
function gather(said: readonly [number, number, string], losses: readonly number[] = []) {
  const [stop, length, digest] = said;
  const halves = [Number.parseInt(digest.slice(0, 6), 16), Number.parseInt(digest.slice(6), 16)];
  const others = [[stop, 0, 0, 0, length, ...halves], losses];
  const sumOf = (mine: readonly number[]) => (others.shift() ?? []).map((number, index) => number + (mine[index] ?? 0));
  const cluster = { rank: 0, size: 2, sumOf, nameOf: (rank: number) => `worker ${rank}` } as unknown as Cluster;
  return gatherLosses(cluster, { losses: [0.5, 0, 0.25], digest: same, wantsStop: false });
}

test('each worker adds its losses to those of the others, and one that is to stop stops all', () => {
  expect(gather([0, 3, same], [0, 2, 0])).toEqual([0.5, 2, 0.25]);
  expect(gather([1, 3, same])).toBeUndefined();
});

test('other batches are refused, however many they are', () => {
  expect(() => gather([0, 2, other])).toRefuse(StateError, 'the workers evaluate 3, 2 batches');
  expect(() => gather([0, 3, other])).toRefuse(StateError, 'other batches than here are evaluated by worker 1');
});
