/** The facts that the workers exchange with every update: its number, its data, its learning rate, and their requests to all. */
import { StateError, tf } from '../../../runtime';
import type { Batch } from '../../data/batch';
import { checksum } from '../../data/batchChecksum';
import type { Cluster } from '../cluster';

/** The requests of one worker, or those that all of them agree on. */
export interface Wishes {
  readonly stop: boolean;
  /** How many updates are in flight at a time; the smallest number that a worker asks for. */
  readonly stepsAtOnce: number;
}

/** A worker's statement about an update. */
export interface Statement {
  /** Updates before it. */
  readonly step: number;
  /** All of its batches, including those of the other workers. */
  readonly batches: readonly Batch[];
  readonly learningRate: number;
  readonly wishes: Wishes;
}

/**
 * A step, two halves of a checksum, the learning rate, whether to stop, and the updates at a time. All but the rate are whole numbers below
 * 2²⁴, which float32 holds exactly.
 */
const NUMBERS = 6;
const COMPARED = 4;
const HALF = 2 ** 24;

/** This worker's numbers, with zeros for the others; the sum over all workers contains the numbers of each. Shape (6·workers). */
export function statement({ rank, size }: Pick<Cluster, 'rank' | 'size'>, { step, batches, learningRate, wishes }: Statement): tf.Tensor1D {
  const numbers = new Float32Array(NUMBERS * size);
  const digest = checksum(batches);
  const asked = [wishes.stop ? 1 : 0, Math.min(wishes.stepsAtOnce, HALF)];
  numbers.set([step % HALF, digest.readUIntBE(0, 3), digest.readUIntBE(3, 3), learningRate, ...asked], NUMBERS * rank);
  return tf.tensor1d(numbers);
}

/** Whether all workers make the same update of the same data. Shapes: said (6·workers) → (), bool. */
export function isAgreed(said: tf.Tensor1D): tf.Tensor {
  const compared = said.reshape([-1, NUMBERS]).slice([0, 0], [-1, COMPARED]);
  return compared.equal(compared.slice([0, 0], [1, COMPARED])).all();
}

/**
 * Reads the statements of all workers: all stop if one has been asked to, and all have the same number of updates in flight.
 *
 * @throws StateError that names the workers whose update differs from worker 0's, unless the sum was broken off.
 */
export function readStatements(cluster: Cluster, said: ArrayLike<number>): Wishes {
  const statements = Array.from({ length: cluster.size }, (_, rank) => Array.from(said).slice(NUMBERS * rank, NUMBERS * (rank + 1)));
  const [first = []] = statements;
  const differing = (index: number) => statements.flatMap((numbers, rank) => (numbers[index] === first[index] ? [] : [rank]));
  const others = (ranks: readonly number[]) => ranks.map((rank) => cluster.nameOf(rank)).join(', ');
  const [behind = [], begin = [], end = [], rates = []] = [0, 1, 2, 3].map(differing);
  const update = Number(first[0]) + 1;
  const refused = (difference: string) => cluster.wrongSum(new StateError(difference));
  if (behind.length > 0) {
    const updates = behind.map((rank) => Number(statements[rank]?.[0]) + 1);
    throw refused(`${others(behind)} would make update ${updates.join(', ')}, worker 0 update ${update}: nothing is changed`);
  }
  const data = [...new Set([...begin, ...end])].sort((a, b) => a - b);
  for (const [wrong, difference, remedy] of [
    [data, 'read other data than', 'data in the same order'],
    [rates, 'took another learning rate than', 'schedule'],
  ] as const) {
    if (wrong.length === 0) continue;
    throw refused(`${others(wrong)} ${difference} worker 0 at update ${update}: nothing is changed; give all workers the same ${remedy}`);
  }
  const asked = statements.map((numbers) => numbers.slice(COMPARED) as [number, number]);
  return { stop: asked.some(([stop]) => stop === 1), stepsAtOnce: Math.min(...asked.map(([, count]) => count)) };
}
