import { tf } from 'lowrank';
import { largest, norm, singularValues } from 'lowrank-course';
import { afterAll, expect, it } from 'vitest';

const matrix = tf.tensor2d([
  [3, 0],
  [0, -4],
  [0, 0],
]);
afterAll(() => matrix.dispose());

it('the largest absolute value counts negative ones', () => expect(largest(matrix)).toBe(4));

it('the norm is the root of the sum of squares', () => expect(norm(matrix)).toBe(5));

it('the singular values fall, and their squares sum to the square of the norm', () => {
  const values = singularValues(matrix);
  expect(values[0]).toBeCloseTo(4, 5);
  expect(values[1]).toBeCloseTo(3, 5);
  expect(values).toHaveLength(2);
});

it('measuring leaves no tensor behind', () => {
  const before = tf.memory().numTensors;
  for (const measure of [largest, norm, singularValues]) measure(matrix);
  expect(tf.memory().numTensors).toBe(before);
});
