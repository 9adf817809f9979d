import { tf } from 'lowrank';
import { expect, test } from 'vitest';
import { addResidual, withGradient } from '../../lib/lowrank/src/nn';
import { expectNoLeak, expectSame } from './compare';

const scaled = (x: tf.Tensor, y: tf.Tensor) =>
  withGradient(
    [x, y],
    () => ({ value: x.mul(y), saved: { x, y } }),
    (dy, saved) => [dy.mul(saved.y), dy.mul(saved.x)],
  );

test('the gradient given by hand is used, with the tensors saved under their names', () => {
  expectSame(scaled, (x, y) => x.mul(y), [
    [2, 3],
    [2, 3],
  ]);
  const wrong = (x: tf.Tensor) =>
    withGradient(
      [x],
      () => ({ value: x.square(), saved: {} }),
      (dy) => [dy.mul(100)],
    );
  const gradient = tf.tidy(() => tf.grad(wrong)(tf.tensor1d([1, 2])));
  expect([...gradient.dataSync()]).toEqual([100, 100]);
  gradient.dispose();
});

test('a residual is a sum whose gradient goes both ways', () => {
  expectSame(addResidual, (x, y) => x.add(y), [
    [2, 3],
    [2, 3],
  ]);
  expectSame(
    (x) => addResidual(x, x.square()),
    (x) => x.add(x.square()),
    [[4]],
  );
});

test('it can be nested, and leaves nothing behind', () => {
  expectSame(
    (x, y) => scaled(addResidual(x, y), scaled(x, y)),
    (x, y) => x.add(y).mul(x.mul(y)),
    [[5], [5]],
  );
  expectNoLeak((x, y) => tf.tidy(() => addResidual(scaled(x, y), x)), [[5], [5]]);
});

test('what a gradient makes on its way is freed before the next one begins', () => {
  const counts: number[] = [];
  const counting = (x: tf.Tensor) =>
    withGradient(
      [x],
      () => ({ value: x.mul(2), saved: {} }),
      (dy) => {
        counts.push(tf.memory().numTensors);
        for (let i = 0; i < 10; i++) dy.square();
        return [dy.mul(2)];
      },
    );
  tf.tidy(() => tf.grad((x) => counting(counting(counting(x))))(tf.tensor1d([1, 2])));
  const [first = 0, , last = 0] = counts;
  expect(counts).toHaveLength(3);
  expect(last - first).toBeLessThan(10);
});
