import { ArgumentError, causalMask, MemoryError, tf } from 'lowrank';
import { paddingMask } from 'lowrank/internal';
import { expect, test } from 'vitest';
import { segmentMask } from '../../../lib/lowrank/src/nn';

/** Whether each query sees each key. */
function seen(mask: tf.Tensor): unknown {
  const array = mask.greater(-1).squeeze().arraySync();
  mask.dispose();
  return array;
}

test('a causal mask shows each query what is not after it, the queries being the last of the keys', () => {
  expect(seen(causalMask(3))).toEqual([
    [1, 0, 0],
    [1, 1, 0],
    [1, 1, 1],
  ]);
  expect(seen(causalMask(2, 4))).toEqual([
    [1, 1, 1, 0],
    [1, 1, 1, 1],
  ]);
  const shape = tf.tidy(() => causalMask(2, 4).shape);
  expect(shape).toEqual([1, 1, 2, 4]);
});

test('a mask with fewer keys than queries, of no size, or beyond the memory is refused', () => {
  expect(() => causalMask(4, 3)).toRefuse(ArgumentError, '4 queries cannot be the last of 3 keys');
  for (const size of [0, -1, 1.5, Number.NaN])
    expect(() => causalMask(size)).toRefuse(ArgumentError, `queries ${size} is not a whole number`);
  expect(() => causalMask(10 ** 6)).toRefuse(MemoryError, 'a mask of 1000000 × 1000000 positions takes 12 TB');
});

test('a padding mask shows the tokens of each row', () => {
  const mask = tf.tensor2d(
    [
      [0, 1, 1],
      [1, 1, 0],
    ],
    undefined,
    'int32',
  );
  const before = tf.memory().numTensors;
  expect(seen(paddingMask(mask))).toEqual([
    [0, 1, 1],
    [1, 1, 0],
  ]);
  expect(tf.memory().numTensors - before).toBeLessThanOrEqual(2); // the helper's own two
  mask.dispose();
});

test('a segment mask shows the tokens of one text to each other only', () => {
  const segments = tf.tensor2d([[1, 1, 2]], undefined, 'int32');
  expect(seen(segmentMask(segments))).toEqual([
    [1, 1, 0],
    [1, 1, 0],
    [0, 0, 1],
  ]);
  segments.dispose();
});

test('what is hidden stays finite when two masks are added, so that padding has a softmax', () => {
  tf.tidy(() => {
    const both = causalMask(2).add(paddingMask(tf.tensor2d([[0, 0]])));
    expect(Number.isFinite(both.min().dataSync()[0])).toBe(true);
    const weights = tf.softmax(both.reshape([2, 2]));
    expect([...weights.dataSync()].every(Number.isFinite)).toBe(true);
  });
});
