import { type Batch, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { isAgreed, readStatements, type Statement, statement } from '../../../lib/lowrank/src/train/cluster/agreement';
import type { Cluster } from '../../../lib/lowrank/src/train/cluster/cluster';
import { noTensorLeft } from '../../noTensorLeft';

noTensorLeft();

const rows: Batch[] = [{ inputIds: [[1, 2, 3]], labels: [[1, 2, 3]] }];
const others: Batch[] = [{ inputIds: [[1, 2, 3]], labels: [[1, 2, -100]] }];

/** What three workers read when these are their statements. */
function read(...statements: Partial<Statement>[]): { readonly agreed: boolean; stops(): boolean } {
  const size = statements.length;
  const sum = tf.tidy(() => {
    const parts = statements.map((said, rank) => statement({ rank, size }, { step: 4, batches: rows, wantsStop: false, ...said }));
    return tf.addN(parts) as tf.Tensor1D;
  });
  const numbers = Array.from(sum.dataSync());
  const agreed = tf.tidy(() => Number(isAgreed(sum).dataSync()[0])) === 1;
  sum.dispose();
  const cluster = { size, nameOf: (rank: number) => `worker ${rank}` } as unknown as Cluster;
  return { agreed, stops: () => readStatements(cluster, numbers) };
}

describe('what the workers say with every update', () => {
  test('the same update of the same data is agreed, and nobody stops', () => {
    const { agreed, stops } = read({}, {}, {});
    expect([agreed, stops()]).toEqual([true, false]);
  });

  test('one that is asked to stop stops all', () => {
    const { agreed, stops } = read({}, {}, { wantsStop: true });
    expect([agreed, stops()]).toEqual([true, true]);
  });

  test('other labels are other data, even where the ids are the same', () => {
    const { agreed, stops } = read({}, { batches: others }, {});
    expect(agreed).toBe(false);
    expect(stops).toThrow('worker 1 read other data than worker 0 at update 5: nothing is changed');
  });

  test('rows cut at another place are other data', () => {
    expect(
      read({ batches: [{ inputIds: [[1, 2]], labels: [[1, 2]] }] }, { batches: [{ inputIds: [[1], [2]], labels: [[1], [2]] }] }).agreed,
    ).toBe(false);
  });

  test('another step is named with its number', () => {
    const { agreed, stops } = read({}, {}, { step: 7 });
    expect(agreed).toBe(false);
    expect(stops).toThrow('worker 2 would make update 8, worker 0 update 5: nothing is changed');
  });
});
