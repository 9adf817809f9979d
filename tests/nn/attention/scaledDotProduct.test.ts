import fc from 'fast-check';
import { ArgumentError, causalMask, MemoryError, ShapeError, scaledDotProduct, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { expectClose } from '../../llama/golden';
import { expectNoLeak, expectSame, random } from '../compare';

/** softmax(q·kᵀ/√D + mask)·v with the key heads copied to the query heads that share them. */
function plain(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, mask?: tf.Tensor): tf.Tensor {
  const [B = 0, H = 0, , D = 0] = q.shape;
  const [, K = 0] = k.shape;
  const heads = tf.tensor1d(
    Array.from({ length: H }, (_, h) => Math.floor(h / (H / K))),
    'int32',
  );
  const batch = (x: tf.Tensor) => (x.shape[0] === B ? x : tf.concat(Array.from({ length: B }, () => x)));
  const copied = (x: tf.Tensor) => tf.gather(batch(x), heads, 1);
  const scores = tf.matMul(q, copied(k), false, true).div(Math.sqrt(D));
  return tf.matMul(tf.softmax(mask ? scores.add(mask) : scores), copied(v));
}

const as4 = (x: tf.Tensor) => x as tf.Tensor4D;
const sizes = fc.record({
  B: fc.integer({ min: 1, max: 3 }),
  K: fc.integer({ min: 1, max: 3 }),
  group: fc.integer({ min: 1, max: 3 }),
  T: fc.integer({ min: 1, max: 4 }),
  past: fc.nat(3),
  D: fc.integer({ min: 1, max: 5 }),
});

test('the formula with grouped queries under a causal mask, and its gradients, for any shape', () => {
  fc.assert(
    fc.property(sizes, ({ B, K, group, T, past, D }) => {
      tf.tidy(() => {
        const S = T + past;
        const mask = causalMask(T, S);
        expectSame(
          (q, k, v) => scaledDotProduct(as4(q), as4(k), as4(v), { mask }),
          (q, k, v) => plain(q, k, v, mask),
          [
            [B, K * group, T, D],
            [B, K, S, D],
            [B, K, S, D],
          ],
          2e-5,
        );
      });
    }),
    { numRuns: 25 },
  );
});

test('one row of keys serves a whole batch, as a prefix does', () => {
  expectSame(
    (q, k, v) => scaledDotProduct(as4(q), as4(k), as4(v)),
    plain,
    [
      [3, 4, 2, 5],
      [1, 2, 6, 5],
      [1, 2, 6, 5],
    ],
    2e-5,
  );
});

test('the weights sum to 1, and a token that may not be seen has none', () => {
  tf.tidy(() => {
    const [q, k, v] = [4, 2, 2].map((heads, i) => as4(random([1, heads, 3, 2], i + 1))) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
    const given: tf.Tensor4D[] = [];
    scaledDotProduct(q, k, v, { mask: causalMask(3), onWeights: (weights) => given.push(tf.keep(weights.clone())) });
    expect(given.map(({ shape }) => shape)).toEqual([[1, 4, 3, 3]]);
    for (const weights of given) {
      expectClose(() => [weights.sum(-1), tf.ones([1, 4, 3])], 1e-6);
      const later = weights.slice([0, 0, 0, 1], [1, 4, 1, 2]).dataSync();
      expect([...later].every((weight) => weight === 0)).toBe(true);
      weights.dispose();
    }
  });
});

test('nothing is left behind, and heads or batches that do not fit are refused', () => {
  expectNoLeak(
    (q, k, v) => scaledDotProduct(as4(q), as4(k), as4(v)),
    [
      [2, 4, 3, 2],
      [2, 2, 3, 2],
      [2, 2, 3, 2],
    ],
  );
  const call = (q: number[], k: number[]) => () => tf.tidy(() => scaledDotProduct(as4(tf.zeros(q)), as4(tf.zeros(k)), as4(tf.zeros(k))));
  expect(call([1, 3, 1, 2], [1, 2, 1, 2])).toRefuse(ShapeError, '3 query heads cannot share 2 key heads');
  expect(call([3, 2, 1, 2], [2, 2, 1, 2])).toThrow('keys of 2 rows cannot serve queries of 3 rows');
  const long = tf.zeros([1, 1, 200_000, 1]) as tf.Tensor4D;
  expect(() => scaledDotProduct(long, long, long)).toRefuse(
    MemoryError,
    'an attention of 1 × 1 heads over 200000 × 200000 positions takes',
  );
  long.dispose();
});

test('a mask of true and false, which would be added as 1 and 0, and one that does not fit are refused', () => {
  tf.tidy(() => {
    const q = as4(tf.ones([1, 2, 3, 2]));
    const masked = (mask: tf.Tensor) => () => scaledDotProduct(q, q, q, { mask });
    expect(masked(tf.ones([3, 3], 'bool'))).toRefuse(ArgumentError, 'give 0 where a key is seen and -1e9 where it is not');
    for (const shape of [
      [3, 4],
      [2, 1, 3, 3],
      [1, 3, 3, 3],
      [1, 1, 1, 3, 3],
    ])
      expect(masked(tf.zeros(shape)), String(shape)).toRefuse(
        ShapeError,
        `a mask of shape [${shape}] does not fit scores (B, H, T, S) of shape [1,2,3,3]`,
      );
    for (const shape of [[], [3, 3], [1, 2, 3, 3], [1, 1, 1, 3]]) expect(masked(tf.zeros(shape))).not.toThrow();
  });
});
