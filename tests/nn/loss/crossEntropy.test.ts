import fc from 'fast-check';
import { ArgumentError, crossEntropy, IGNORE_INDEX, ShapeError, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { expectNoLeak, expectSame } from '../compare';

/** The mean over kept rows of −log softmax(logits)[label]. */
function plain(logits: tf.Tensor, labels: readonly number[]): tf.Tensor {
  const kept = labels.flatMap((label, row) => (label === IGNORE_INDEX ? [] : [[row, label] as const]));
  const picked = tf.gather(
    tf.logSoftmax(logits as tf.Tensor2D),
    tf.tensor1d(
      kept.map(([row]) => row),
      'int32',
    ),
  );
  const oneHot = tf
    .oneHot(
      tf.tensor1d(
        kept.map(([, label]) => label),
        'int32',
      ),
      logits.shape[1] ?? 0,
    )
    .toFloat();
  return picked.mul(oneHot).sum().div(-kept.length);
}

test('the mean over the labels that are kept, and its gradient, for any size', () => {
  const size = fc.integer({ min: 1, max: 6 });
  const labels = fc
    .tuple(size, fc.integer({ min: 2, max: 7 }))
    .chain(([N, V]) =>
      fc.tuple(fc.constant(V), fc.array(fc.oneof(fc.nat(V - 1), fc.constant(IGNORE_INDEX)), { minLength: N, maxLength: N })),
    );
  fc.assert(
    fc.property(labels, ([V, row]) => {
      fc.pre(row.some((label) => label !== IGNORE_INDEX));
      expectSame(
        (x) => crossEntropy(x, tf.tensor1d(row, 'int32')),
        (x) => plain(x, row),
        [[row.length, V]],
        1e-5,
      );
    }),
    { numRuns: 30 },
  );
});

test('with no label kept it is 0, and so is its gradient', () => {
  tf.tidy(() => {
    const loss = (x: tf.Tensor) => crossEntropy(x, tf.tensor1d([-100, -100], 'int32'));
    const logits = tf.tensor2d([
      [1, 2],
      [3, 4],
    ]);
    expect(loss(logits).dataSync()[0]).toBe(0);
    expect([...tf.grad(loss)(logits).abs().dataSync()]).toEqual([0, 0, 0, 0]);
  });
});

test('large logits stay finite', () => {
  tf.tidy(() => {
    const loss = crossEntropy(
      tf.tensor2d([
        [1e4, -1e4],
        [3e4, 0],
      ]),
      tf.tensor1d([0, 1], 'int32'),
    );
    expect(loss.dataSync()[0]).toBe(15_000);
  });
});

test('nothing is left behind, and shapes that do not fit are refused', () => {
  const labels = tf.tensor1d([1, -100, 0], 'int32');
  expectNoLeak((x) => crossEntropy(x, labels), [[3, 4]]);
  expect(() => tf.tidy(() => crossEntropy(tf.zeros([2, 4]), labels))).toThrow(ShapeError);
  expect(() => tf.tidy(() => crossEntropy(tf.zeros([1, 3, 4]), labels))).toThrow('got [1,3,4] and [3]');
  labels.dispose();
  for (const label of [4, -1]) {
    const wrong = () => tf.tidy(() => crossEntropy(tf.zeros([2, 4]), tf.tensor1d([1, label], 'int32')));
    expect(wrong).toRefuse(ArgumentError, `label ${label} is neither -100 nor one of the 4 of the logits`);
  }
});
