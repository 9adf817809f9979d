import fc from 'fast-check';
import { Linear, ShapeError, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { matMulRows } from '../../lib/lowrank/src/nn';
import { expectNoLeak, expectSame, random } from './compare';

/** Over the last axis, without the library's reshaping. */
const plain = (x: tf.Tensor, w: tf.Tensor) =>
  tf.matMul(x.reshape([-1, w.shape[0] ?? 0]), w).reshape([...x.shape.slice(0, -1), w.shape[1] ?? 0]);

test('y = x·W + b over the last axis of any shape, with gradients by input, weight and bias', () => {
  const size = fc.integer({ min: 1, max: 6 });
  fc.assert(
    fc.property(fc.array(size, { maxLength: 2 }), size, size, (rows, I, O) => {
      const ours = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => matMulRows(x, w).add(b);
      expectSame(ours, (x, w, b) => plain(x, w).add(b), [[...rows, I], [I, O], [O]]);
      expectSame(
        (x, w) => matMulRows(x, w, true),
        (x, w) => plain(x, w.transpose()),
        [
          [...rows, I],
          [O, I],
        ],
      );
    }),
    { numRuns: 20 },
  );
});

test('a frozen weight passes the same gradient on, and takes none', () => {
  const weight = tf.variable(random([4, 3], 5), false);
  expectSame(
    (x) => matMulRows(x, weight),
    (x) => plain(x, weight),
    [[2, 5, 4]],
  );
  const turned = tf.variable(random([3, 4], 6), false);
  expectSame(
    (x) => matMulRows(x, turned, true),
    (x) => plain(x, turned.transpose()),
    [[2, 5, 4]],
  );
  const layer = new Linear(weight);
  expect([...layer.trainableParameters()]).toEqual([]);
  turned.dispose();
  layer.dispose();
});

test('the layer knows its widths and parameters, adds its bias, and leaves nothing behind', () => {
  const layer = new Linear(
    tf.variable(
      tf.tensor2d([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    ),
    tf.variable(tf.tensor1d([10, 20, 30])),
  );
  expect([layer.inFeatures, layer.outFeatures]).toEqual([2, 3]);
  expect([...layer.namedParameters()].map(([name]) => name)).toEqual(['weight', 'bias']);
  const y = layer.forward(
    tf.tensor2d([
      [1, 1],
      [0, -1],
    ]),
  );
  expect(y.arraySync()).toEqual([
    [15, 27, 39],
    [6, 15, 24],
  ]);
  y.dispose();
  expectNoLeak((x) => layer.forward(x), [[3, 2, 2]]);
  layer.dispose();
  const vector = tf.variable(tf.ones([2]));
  expect(() => new Linear(vector)).toThrow(ShapeError);
  vector.dispose();
});
