import { type Batch, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import type { Cluster } from '../../../../lib/lowrank/src/train/cluster/cluster';
import {
  isAgreed,
  readStatements,
  type Statement,
  statement,
  type Wishes,
} from '../../../../lib/lowrank/src/train/cluster/update/agreement';
import { noTensorLeft } from '../../../noTensorLeft';

noTensorLeft();

const rows: Batch[] = [{ inputIds: [[1, 2, 3]], labels: [[1, 2, 3]] }];
const going: Wishes = { stop: false, stepsAtOnce: 8 };
const others: Batch[] = [{ inputIds: [[1, 2, 3]], labels: [[1, 2, -100]] }];

/** What three workers read when these are their statements. */
function read(...statements: Partial<Statement>[]): { readonly agreed: boolean; wishes(): Wishes } {
  const size = statements.length;
  const sum = tf.tidy(() => {
    const parts = statements.map((said, rank) =>
      statement({ rank, size }, { step: 4, batches: rows, learningRate: 1e-4, wishes: going, ...said }),
    );
    return tf.addN(parts) as tf.Tensor1D;
  });
  const numbers = Array.from(sum.dataSync());
  const agreed = tf.tidy(() => Number(isAgreed(sum).dataSync()[0])) === 1;
  sum.dispose();
  const cluster = { size, nameOf: (rank: number) => `worker ${rank}`, wrongSum: (error: Error) => error } as unknown as Cluster;
  return { agreed, wishes: () => readStatements(cluster, numbers) };
}

describe('what the workers say with every update', () => {
  test('the same update of the same data is agreed, and nobody stops', () => {
    const { agreed, wishes } = read({}, {}, {});
    expect([agreed, wishes()]).toEqual([true, going]);
  });

  test('one that is asked to stop stops all', () => {
    const { agreed, wishes } = read({}, {}, { wishes: { stop: true, stepsAtOnce: 8 } });
    expect([agreed, wishes().stop]).toEqual([true, true]);
  });

  test('none has more updates in flight than the one that wants the fewest', () => {
    const { agreed, wishes } = read({}, { wishes: { stop: false, stepsAtOnce: 3 } }, { wishes: { stop: false, stepsAtOnce: 2 ** 40 } });
    expect([agreed, wishes()]).toEqual([true, { stop: false, stepsAtOnce: 3 }]);
  });

  test('other labels are other data, even where the ids are the same', () => {
    const { agreed, wishes } = read({}, { batches: others }, {});
    expect(agreed).toBe(false);
    expect(wishes).toThrow('worker 1 read other data than worker 0 at update 5: nothing is changed');
  });

  test('rows cut at another place are other data', () => {
    expect(
      read({ batches: [{ inputIds: [[1, 2]], labels: [[1, 2]] }] }, { batches: [{ inputIds: [[1], [2]], labels: [[1], [2]] }] }).agreed,
    ).toBe(false);
  });

  test('another learning rate is named, whatever the schedule gave before', () => {
    const { agreed, wishes } = read({}, {}, { learningRate: 2e-4 });
    expect(agreed).toBe(false);
    expect(wishes).toThrow(
      'worker 2 took another learning rate than worker 0 at update 5: nothing is changed; give all workers the same schedule',
    );
  });

  test('another step is named with its number', () => {
    const { agreed, wishes } = read({}, {}, { step: 7 });
    expect(agreed).toBe(false);
    expect(wishes).toThrow('worker 2 would make update 8, worker 0 update 5: nothing is changed');
  });
});
