import { describe, expect, test } from 'vitest';
import { compile, seededRandom, tf } from '../../../lib/lowrank/src/runtime';
import { dispose, expectClose, nothingLeft, random, scoped } from './scoped';

nothingLeft();

type Operation = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;
type Fn = (...xs: tf.Tensor[]) => tf.Tensor[];

/** A little of each kind of gradient. Shapes: (4, 4), (4, 4) → (4, 4). */
const OPERATIONS: readonly Operation[] = [
  (x) => x.tanh(),
  (x) => x.square(),
  (x) => x.softmax(),
  (x) => x.transpose(),
  (x) => x.relu().add(x.mul(0.5)),
  (x) => x.mean(0, true).add(x),
  (x) => x.sum(1, true).mul(x),
  (x) => x.reshape([2, 8]).cumsum(1).mul(0.3).reshape([4, 4]),
  (x) =>
    x.slice([0, 0], [2, 4]).pad([
      [1, 1],
      [0, 0],
    ]),
  (x) => tf.gather(x, tf.tensor1d([3, 1, 0, 1], 'int32')),
  (x) => tf.concat(tf.split(x, 2, 1).reverse(), 1),
  (x, y) => x.add(y),
  (x, y) => x.mul(y),
  (x, y) => x.div(y.square().add(1)),
  (x, y) => x.matMul(y).mul(0.4),
  (x, y) => x.sub(y.sigmoid()),
  (x, y) => tf.stack([x, y]).sum(0),
];

/** The same program, run op by op and with every part of it compiled in its own way. */
type Program = { readonly plain: Fn; readonly compiled: Fn };

/** A program drawn at random, which may call others, `depth` deep. */
function drawProgram(next: () => number, depth: number): Program {
  const below = (n: number) => Math.floor(next() * n);
  const steps = Array.from({ length: 2 + below(4) }, () => ({
    called: depth > 0 && next() < 0.5 ? drawProgram(next, depth - 1) : undefined,
    operation: OPERATIONS[below(OPERATIONS.length)] as Operation,
    places: [next(), next()],
  }));
  const firstOutput = next();
  const run =
    (form: keyof Program): Fn =>
    (...xs) => {
      const values = [...xs];
      for (const { called, operation, places } of steps) {
        const [x, y] = places.map((place) => values[Math.floor(place * values.length)]) as [tf.Tensor, tf.Tensor];
        values.push(...(called ? called[form](x, y) : [operation(x, y)]));
      }
      return [values[Math.floor(firstOutput * values.length)], values.at(-1)] as tf.Tensor[];
    };
  const xla = [true, false, 'auto' as const][below(3)];
  return { plain: run('plain'), compiled: dispose(compile(run('compiled'), { xla, recompute: next() < 0.3 })) };
}

const WEIGHTS = () => random([4, 4], 7);

/** A number that all of the results and of what is given have a part in. */
const weighed =
  (fn: Fn): Operation =>
  (...xs) =>
    [...fn(...xs), ...xs].map((y) => y.mul(WEIGHTS()).sum()).reduce((sum, one) => sum.add(one));

describe('any program of compiled functions in compiled functions', () => {
  test.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'has the values and gradients of running op by op (drawn from seed %i)',
    (seed) =>
      scoped(() => {
        const { plain, compiled } = drawProgram(seededRandom(seed), 2);
        const given: [tf.Tensor, tf.Tensor] = [random([4, 4], 2 * seed + 1), random([4, 4], 2 * seed + 2)];
        for (const [i, value] of compiled(...given).entries()) expectClose(value, plain(...given)[i] as tf.Tensor, 2e-5);
        const expected = tf.grads(weighed(plain))(given);
        const slopes = (x: tf.Tensor, y: tf.Tensor) => tf.grads(weighed(compiled))([x, y]);
        const own = expected.map((slope) => slope.sub(WEIGHTS()).abs().max().dataSync()[0] ?? 0); // without what each is given by itself
        expect(Math.max(...own)).toBeGreaterThan(1e-3);
        for (const run of [slopes, dispose(compile(slopes))]) {
          for (const [i, slope] of run(...given).entries()) expectClose(slope, expected[i] as tf.Tensor, 2e-5);
        }
      })(),
  );
});
