import { compile, tf } from 'lowrank';
import { expect, test } from 'vitest';

// In a file, and so in a process, of its own: nothing compiled has run before.
test('the first compiled call of a process may be inside a gradient', () => {
  const cube = compile((x: tf.Tensor) => x.mul(x).mul(x).sum());
  expect([
    ...tf
      .grad(cube)(tf.tensor1d([1, 2, -3]))
      .dataSync(),
  ]).toEqual([3, 12, 27]);
});
