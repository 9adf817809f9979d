import { compile, crossEntropy, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { relativeError } from '../../llama/golden';
import { asOnGpu, calledFunctions, withBinding } from '../../runtime/compile/bindingSpies';
import { random } from '../compare';

const labelsOf = (N: number, V: number) => Array.from({ length: N }, (_, n) => (n % 5 === 3 ? -100 : (n * 7919 + V - 1) % V));

/** The loss three times over, so that the gradient by it is not 1, and its slopes by the logits. */
function lossAndSlopes(logits: tf.Tensor, labels: readonly number[]): [loss: tf.Tensor, slopes: tf.Tensor] {
  const { value, grads } = tf.valueAndGrads((x: tf.Tensor) => crossEntropy(x, tf.tensor1d([...labels], 'int32')).mul(3))([logits]);
  return [value, grads[0] as tf.Tensor];
}

/** The same of a compiled function, and the kernels in it. */
function compiled(logits: tf.Tensor, labels: readonly number[]) {
  const run = compile((x: tf.Tensor) => lossAndSlopes(x, labels));
  let results: tf.Tensor[] = [];
  const functions = calledFunctions(() => {
    results = run(logits);
  });
  run.dispose();
  const kernels = functions.filter((name) => name.startsWith('cross_entropy'));
  return { loss: results[0] as tf.Tensor, slopes: results[1] as tf.Tensor, kernels };
}

const number = (tensor: tf.Tensor) => tensor.dataSync()[0] ?? Number.NaN;

describe('the cross-entropy of many logits in a compiled function', () => {
  test.each([
    [37, 8191],
    [5, 65_537],
    [33, 8192],
    [1, 300_001],
  ])('is a kernel, and gives the loss and the slopes of TensorFlow: %i rows of %i', (N, V) => {
    tf.tidy(() => {
      const logits = random([N, V], 3).mul(4);
      const { loss, slopes, kernels } = compiled(logits, labelsOf(N, V));
      const [expected, expectedSlopes] = lossAndSlopes(logits, labelsOf(N, V));
      expect(kernels.sort()).toEqual(['cross_entropy', 'cross_entropy_gradient']);
      expect(number(loss)).toBeCloseTo(number(expected), 4);
      expect(relativeError(slopes, expectedSlopes)).toBeLessThan(2e-6);
      expect(Math.max(...expectedSlopes.abs().max(1).dataSync())).toBeGreaterThan(0.05);
    });
  });

  test('leaves a small loss its digits, however large the logits are', () => {
    tf.tidy(() => {
      const V = 300_000;
      const logits = tf.fill([1, V], 1000 - 25).add(tf.oneHot(tf.tensor1d([7], 'int32'), V).mul(25));
      expect(number(compiled(logits, [7]).loss) / 3).toBeCloseTo((V - 1) * Math.exp(-25), 7);
    });
  });

  test('takes logits of −∞ as probabilities of 0', () => {
    tf.tidy(() => {
      const barred = tf.where(tf.range(0, 300_000).less(101), tf.zeros([300_000]), tf.scalar(Number.NEGATIVE_INFINITY)).reshape([1, -1]);
      const { loss, slopes } = compiled(barred, [5]);
      expect(number(loss) / 3).toBeCloseTo(Math.log(101), 5);
      expect([4, 5, 200].map((id) => slopes.dataSync()[id])).toEqual([expect.closeTo(3 / 101, 6), expect.closeTo(3 / 101 - 3, 6), 0]);
    });
  });

  test('is not a number where a logit of a row that counts is none, and does not read a row that does not', () => {
    tf.tidy(() => {
      const rows = (broken: number) =>
        tf.where(tf.range(0, 2).equal(broken).reshape([2, 1]), tf.scalar(Number.NaN), random([2, 200_000], 1));
      expect(number(compiled(rows(0), [3, -100]).loss)).toBeNaN();
      expect(number(compiled(rows(1), [3, -100]).loss)).toBeCloseTo(number(lossAndSlopes(random([2, 200_000], 1), [3, -100])[0]), 4);
      expect(compiled(rows(1), [3, -100]).slopes.slice([1, 0], [1, -1]).abs().max().dataSync()[0]).toBe(0);
    });
  });

  test('refuses a label that is no logit', () => {
    const logits = random([2, 200_000], 1);
    expect(() => compiled(logits, [3, 200_000])).toThrow(/label 200000 is none of 200000/);
    logits.dispose();
  });

  test('is TensorFlow’s own on a GPU, and without the binding of this library', async () => {
    const logits = random([2, 200_000], 1);
    const kernels = () => tf.tidy(() => compiled(logits, [3, 4]).kernels);
    expect(kernels()).toHaveLength(2);
    expect(await asOnGpu(kernels)).toEqual([]);
    expect(withBinding({ xlaHasKernels: undefined }, kernels)).toEqual([]);
    logits.dispose();
  });
});
