import { ArgumentError, clipByGlobalNorm, tf } from 'lowrank';
import { expect, test } from 'vitest';
import golden from '../../golden/adamw.json';

test('norms and clipped gradients equal those of torch.nn.utils.clip_grad_norm_', () => {
  for (const step of golden.steps) {
    tf.tidy(() => {
      const given = { weight: tf.tensor2d(step.weightGrad), bias: tf.tensor1d(step.biasGrad) };
      const { grads, norm } = clipByGlobalNorm(given, golden.maxNorm);
      expect(norm.dataSync()[0]).toBeCloseTo(step.norm, 5);
      expect(grads.weight?.sub(step.clippedWeightGrad).abs().max().dataSync()[0]).toBeLessThan(1e-6);
    });
  }
});

test('gradients within the limit, or without one, stay as they are', () => {
  tf.tidy(() => {
    const given = { a: tf.tensor1d([3]), b: tf.tensor1d([4]) };
    for (const maxNorm of [5.1, Infinity]) {
      const { grads, norm } = clipByGlobalNorm(given, maxNorm);
      expect([norm.dataSync()[0], grads.a?.dataSync()[0], grads.b?.dataSync()[0]]).toEqual([5, 3, 4]);
    }
  });
});

test('a gradient that is not finite shows in the norm', () => {
  tf.tidy(() => {
    for (const bad of [Number.NaN, Infinity]) {
      const { norm } = clipByGlobalNorm({ a: tf.tensor1d([1, bad]), b: tf.tensor1d([1]) }, 1);
      expect(Number.isFinite(norm.dataSync()[0])).toBe(false);
    }
  });
});

test('it leaves only its results', () => {
  const given = { a: tf.tensor1d([3]), b: tf.tensor1d([4]) };
  const before = tf.memory().numTensors;
  tf.dispose([clipByGlobalNorm(given, 1)].flatMap(({ grads, norm }) => [...Object.values(grads), norm]));
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose(given);
});

test('a limit that is not positive is refused', () => {
  for (const maxNorm of [0, -1, Number.NaN]) expect(() => clipByGlobalNorm({}, maxNorm)).toThrow(ArgumentError);
});
