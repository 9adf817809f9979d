/** A layer beside the plain formula that it stands for, in tfjs's own operations and gradients. */
import { tf } from 'lowrank';
import { expect } from 'vitest';
import { expectClose, relativeError } from '../llama/golden';

/** Random values; the same for the same seed. */
export function random(shape: readonly number[], seed: number): tf.Tensor {
  return tf.randomNormal([...shape], 0, 1, 'float32', seed);
}

export type Formula = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Asserts that both give the same values, and the same gradients by every input for a random gradient of the output. */
export function expectSame(ours: Formula, plain: Formula, shapes: readonly (readonly number[])[], tolerance = 1e-5): void {
  tf.tidy(() => {
    const inputs = shapes.map((shape, i) => random(shape, i + 1));
    const value = plain(...inputs);
    expectClose(() => [ours(...inputs), value], tolerance, 'value');
    const dy = random(value.shape, 99);
    const [actual, expected] = [ours, plain].map((formula) => tf.grads(formula)(inputs, dy));
    for (const [i, gradient] of (expected ?? []).entries()) {
      // Relative to dy, of order 1, where the terms of the gradient cancel.
      expect(relativeError(actual?.[i] ?? tf.scalar(Number.NaN), gradient, 1), `gradient of input ${i}`).toBeLessThanOrEqual(tolerance);
    }
  });
}

/** Asserts that neither the value nor a gradient leaves more tensors behind than it gives. */
export function expectNoLeak(formula: Formula, shapes: readonly (readonly number[])[]): void {
  const inputs = shapes.map((shape, i) => random(shape, i + 1));
  const before = tf.memory().numTensors;
  formula(...inputs).dispose();
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose(tf.grads((...given) => formula(...given).sum())(inputs));
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose(inputs);
}
