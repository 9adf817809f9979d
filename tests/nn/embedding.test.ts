import { ArgumentError, Embedding, ShapeError, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { QuantizedEmbedding, rowsOf, TiedHead } from '../../lib/lowrank/src/nn';
import { Bfloat16Weight } from '../../lib/lowrank/src/nn/quantized/bfloat16Weight';
import { expectClose } from '../llama/golden';
import { expectNoLeak, expectSame, random } from './compare';

const ids = () =>
  tf.tensor2d(
    [
      [0, 3, 3],
      [1, 0, 2],
    ],
    undefined,
    'int32',
  );

test('each id picks its row, and a row gathers the gradients of all that picked it', () => {
  const table = new Embedding(tf.variable(random([4, 5], 1)));
  expect([table.numEmbeddings, table.embeddingDim]).toEqual([4, 5]);
  const oneHot = () => tf.oneHot(ids().reshape([6]), 4).toFloat();
  expectClose(() => [table.forward(ids()), tf.matMul(oneHot(), table.weight).reshape([2, 3, 5])], 0);
  const { value, grads } = tf.variableGrads(() => table.forward(ids()).square().sum() as tf.Scalar);
  const expected = () => tf.matMul(oneHot(), table.forward(ids()).mul(2).reshape([6, 5]), true);
  expectClose(() => [grads[table.weight.name] ?? tf.scalar(Number.NaN), expected()]);
  tf.dispose([value, grads]);
  table.dispose();
});

test('a tied head is x·Eᵀ of the same table, which it neither lists nor frees', () => {
  const table = new Embedding(tf.variable(random([4, 5], 1)));
  const head = new TiedHead(table);
  expect([head.inFeatures, head.outFeatures]).toEqual([5, 4]);
  expectSame(
    (x) => head.forward(x),
    (x) => tf.matMul(x.reshape([-1, 5]), table.weight.transpose()).reshape([2, 3, 4]),
    [[2, 3, 5]],
  );
  expectNoLeak((x) => head.forward(x), [[2, 3, 5]]);
  expect([...head.namedParameters()]).toEqual([]);
  expect(head.tiedWeight).toBe(table.weight);
  head.dispose();
  expect(table.weight.isDisposed).toBe(false);
  table.dispose();
});

test('an id that the table has not is refused, in any storage', () => {
  const table = new Embedding(tf.variable(random([4, 32], 1)));
  const packed = new QuantizedEmbedding(Bfloat16Weight.pack(rowsOf(table.weight)));
  for (const each of [table, packed]) {
    for (const id of [4, -1]) {
      expect(() => tf.tidy(() => each.forward(tf.tensor2d([[0, id]], [1, 2], 'int32')))).toRefuse(
        ArgumentError,
        `token id ${id} is not in the table, 0…3`,
      );
    }
    each.dispose();
  }
});

test('a table that is none is refused', () => {
  const vector = tf.variable(tf.ones([2]));
  expect(() => new Embedding(vector)).toThrow(ShapeError);
  vector.dispose();
});
