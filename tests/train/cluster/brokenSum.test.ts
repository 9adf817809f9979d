import { StateError, tf } from 'lowrank';
import { afterEach, expect, test, vi } from 'vitest';
import { Cluster } from '../../../lib/lowrank/src/train/cluster/cluster';
import { clusterBinding } from '../../../lib/lowrank/src/train/cluster/clusterBinding';
import { noTensorLeft } from '../../noTensorLeft';

noTensorLeft();
vi.mock('../../../lib/lowrank/src/train/cluster/clusterBinding', () => {
  const binding = Object.fromEntries(['Set', 'Get', 'Report', 'CheckPeer'].map((name) => [`cluster${name}`, vi.fn(async () => '')]));
  return { clusterBinding: () => binding };
});
afterEach(() => vi.restoreAllMocks());

const addresses = ['10.0.0.1:2222', '10.0.0.2:2222'];
const worker = (rank: number) => new Cluster({ rank, addresses, timeout: 0.04, communication: 'nccl' });

test('a sum that NCCL broke off fails, though it looks whole', () => {
  const cluster = worker(1);
  vi.spyOn(cluster, 'sum').mockImplementation((values) => values.clone());
  expect(() => cluster.meet()).toThrow('a sum over 2 workers was broken off');
  expect(() => cluster.sumOf([3])).toThrow('a sum over 2 workers was broken off');
  vi.spyOn(cluster, 'sum').mockImplementation((values) => values.add(tf.tensor1d([1, 4])));
  expect(cluster.sumOf([3])).toEqual([7]);
});

const contradiction = new StateError('worker 0 would make update 1, worker 1 update 3');
const contradicted = (cluster: Cluster) => cluster.together(async () => Promise.reject(cluster.wrongSum(contradiction)));

test('where the values of a sum contradict each other, a worker that does not answer is to blame', async () => {
  vi.spyOn(clusterBinding(), 'clusterCheckPeer').mockRejectedValueOnce(new Error('deadline exceeded'));
  await expect(contradicted(worker(1))).rejects.toMatchObject({
    code: 'CLUSTER',
    workers: [0],
    message: expect.stringMatching(/^lost worker 0 \(10\.0\.0\.1:2222\): no answer/),
    cause: contradiction,
  });
});

test('where all workers answer, the contradiction itself is the error', async () => {
  await expect(contradicted(worker(1))).rejects.toBe(contradiction);
});
