import fc from 'fast-check';
import { RMSNorm, ShapeError, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { expectClose } from '../llama/golden';
import { expectNoLeak, expectSame } from './compare';

const ours = (eps: number) => (x: tf.Tensor, g: tf.Tensor) => new RMSNorm(tf.variable(g), eps).forward(x);
const plain = (eps: number) => (x: tf.Tensor, g: tf.Tensor) => x.div(x.square().mean(-1, true).add(eps).sqrt()).mul(g);

test('x / √(mean(x²) + ε) · g, and its gradient by x, for any shape', () => {
  const shape = fc.tuple(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }), fc.integer({ min: 1, max: 9 }));
  fc.assert(
    fc.property(shape, fc.constantFrom(1e-6, 1e-2), ([rows, C], eps) => {
      tf.tidy(() => {
        const g = tf.randomNormal([C], 1, 0.3, 'float32', 7);
        expectSame(
          (x) => ours(eps)(x, g),
          (x) => plain(eps)(x, g),
          [[...rows, C]],
        );
      });
    }),
    { numRuns: 25 },
  );
});

test('the gain gets its gradient as a parameter', () => {
  const norm = new RMSNorm(tf.variable(tf.tensor1d([1, 2, 3])));
  const x = tf.tensor2d([
    [1, -2, 3],
    [0.5, 0, -1],
  ]);
  const { value, grads } = tf.variableGrads(() => norm.forward(x).square().sum() as tf.Scalar, [norm.weight]);
  const expected = () => tf.grad((g) => plain(1e-6)(x, g).square().sum())(tf.tensor1d([1, 2, 3]));
  expectClose(() => [grads[norm.weight.name] ?? tf.scalar(Number.NaN), expected()]);
  tf.dispose([value, grads, x]);
  norm.dispose();
});

test('a row of zeros stays zero, and ε keeps it finite', () => {
  const values = tf.tidy(() => [...ours(1e-6)(tf.zeros([1, 4]), tf.ones([4])).dataSync()]);
  expect(values).toEqual([0, 0, 0, 0]);
});

test('nothing is left behind, and a weight that is no vector is refused', () => {
  const norm = new RMSNorm(tf.variable(tf.ones([5])));
  expectNoLeak((x) => norm.forward(x), [[2, 3, 5]]);
  norm.dispose();
  const square = tf.variable(tf.ones([2, 2]));
  expect(() => new RMSNorm(square)).toRefuse(ShapeError, 'got shape [2,2]');
  square.dispose();
});
