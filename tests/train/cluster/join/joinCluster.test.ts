import { ArgumentError, joinCluster } from 'lowrank';
import { expect, test } from 'vitest';

test.each<[object | null, string]>([
  [{ rank: 0 }, 'cluster is an object, not an object with workers and rank'],
  [{ rank: 0, workers: [5] }, 'cluster.workers[0] is 5, not a text'],
  [{ rank: '0', workers: ['a:1'] }, 'cluster.rank is "0", not a number'],
  [null, 'cluster is null'],
])('the cluster %j is refused', async (cluster, message) => {
  await expect(joinCluster({ cluster: cluster as never })).rejects.toRefuse(ArgumentError, message);
});
