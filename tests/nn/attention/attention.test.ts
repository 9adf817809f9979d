import { CausalSelfAttention, causalMask, Linear, mergeHeads, rotaryTables, ShapeError, splitHeads, tf } from 'lowrank';
import { afterAll, describe, expect, test } from 'vitest';
import { expectClose } from '../../llama/golden';
import { expectNoLeak, expectSame, random } from '../compare';

// The whole of it, with grouped queries, is compared with transformers in tests/llama; here, with the plain formula.
const D = 4;
const linear = (I: number, O: number, seed: number) => new Linear(tf.variable(random([I, O], seed)));
const attention = new CausalSelfAttention(
  { qProj: linear(6, 16, 1), kProj: linear(6, 8, 2), vProj: linear(6, 8, 3), oProj: linear(16, 6, 4) },
  D,
);
const rotary = rotaryTables(tf.range(0, 5), { headDim: D, theta: 100 });
const mask = causalMask(5);
afterAll(() => {
  attention.dispose();
  tf.dispose([rotary.cos, rotary.sin, mask]);
});

function plain(x: tf.Tensor): tf.Tensor {
  const [q, k, v, o] = [...attention.namedParameters()].map(([, weight]) => weight as tf.Tensor) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const heads = (w: tf.Tensor, count: number) =>
    tf
      .matMul(x.reshape([-1, 6]), w)
      .reshape([2, 5, count, D])
      .transpose([0, 2, 1, 3]);
  const rotate = (y: tf.Tensor) => {
    const [a, b] = tf.split(y, 2, -1) as [tf.Tensor, tf.Tensor];
    return y.mul(rotary.cos).add(tf.concat([b, a], -1).mul(rotary.sin));
  };
  const shared = tf.tensor1d([0, 0, 1, 1], 'int32');
  const scores = tf
    .matMul(rotate(heads(q, 4)), tf.gather(rotate(heads(k, 2)), shared, 1), false, true)
    .div(2)
    .add(mask);
  const seen = tf.matMul(tf.softmax(scores), tf.gather(heads(v, 2), shared, 1));
  return tf.matMul(seen.transpose([0, 2, 1, 3]).reshape([10, 16]), o).reshape([2, 5, 6]);
}

test('values and gradients by the input are those of the plain formula', () => {
  expectSame((x) => attention.forward(x, { rotary, mask }), plain, [[2, 5, 6]], 5e-5);
});

test('gradients by all four kernels are those of the plain formula', () => {
  const x = random([2, 5, 6], 8);
  const ours = tf.variableGrads(() => attention.forward(x, { rotary, mask }).square().sum() as tf.Scalar);
  const theirs = tf.variableGrads(() => plain(x).square().sum() as tf.Scalar);
  expect(Object.keys(ours.grads)).toHaveLength(4);
  for (const [name, gradient] of Object.entries(theirs.grads))
    expectClose(() => [ours.grads[name] ?? tf.scalar(Number.NaN), gradient], 5e-5);
  tf.dispose([x, ours, theirs]);
});

test('its parts put together are its forward pass', () => {
  expectClose(() => {
    const x = random([2, 5, 6], 8);
    const context = { rotary, mask };
    return [attention.output(attention.attend(attention.queries(x, rotary), x, context)), attention.forward(x, context)];
  }, 0);
});

test('keys without tables are not rotated, as those of a prefix are not', () => {
  expectClose(() => {
    const x = random([1, 5, 6], 8);
    const unturned = attention.keys(x);
    const turned = attention.keys(x, rotary);
    const atZero = [0, 0, 0, 0];
    return [turned.slice(atZero, [1, 2, 1, D]), unturned.slice(atZero, [1, 2, 1, D])]; // position 0 does not turn
  }, 1e-6);
  const difference = tf.tidy(
    () =>
      attention
        .keys(random([1, 5, 6], 8), rotary)
        .sub(attention.keys(random([1, 5, 6], 8)))
        .abs()
        .max()
        .dataSync()[0],
  );
  expect(difference).toBeGreaterThan(0.1);
});

describe('heads', () => {
  test('are split and merged without loss, neighbours in a row staying together', () => {
    tf.tidy(() => {
      const x = tf.range(0, 24).reshape([1, 3, 8]);
      const heads = splitHeads(x, 4);
      expect(heads.shape).toEqual([1, 2, 3, 4]);
      expect([...heads.slice([0, 1, 2, 0], [1, 1, 1, 4]).dataSync()]).toEqual([20, 21, 22, 23]);
      expect([...mergeHeads(heads).dataSync()]).toEqual([...x.dataSync()]);
    });
  });

  test('are counted from the widths, which must fit', () => {
    expect([attention.numHeads, attention.numKeyValueHeads]).toEqual([4, 2]);
    const build = (q: number, k: number) => () => {
      const projections = { qProj: linear(6, q, 1), kProj: linear(6, k, 2), vProj: linear(6, k, 3), oProj: linear(q, 6, 4) };
      try {
        new CausalSelfAttention(projections, D);
      } finally {
        for (const projection of Object.values(projections)) projection.dispose();
      }
    };
    for (const [q, k] of [
      [18, 8],
      [16, 6],
      [12, 8],
    ] as const)
      expect(build(q, k)).toThrow(ShapeError);
    expect(build(12, 8)).toThrow('query width 12 and key width 8 do not make whole, evenly shared heads of width 4');
  });
});

test('nothing is left behind', () => {
  expectNoLeak((x) => attention.forward(x, { rotary, mask }), [[2, 5, 6]]);
});
