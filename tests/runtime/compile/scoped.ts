/** What the tests of compiled functions share: scopes that nothing may outlive, and tensors to try the functions on. */
import { afterEach, beforeEach, expect } from 'vitest';
import { seededRandom, tf } from '../../../lib/lowrank/src/runtime';
import { backendInternals } from '../../../lib/lowrank/src/runtime/compile/tfjsInternals';

/** How many tensors are alive, of tfjs and of the binding, whose handles tfjs does not count. */
export function alive(): { tensors: number; handles: number } {
  const { binding } = backendInternals();
  return { tensors: tf.memory().numTensors, handles: (binding as unknown as { getNumOfTensors(): number }).getNumOfTensors() };
}

/** Has every test of a file leave as many tensors and handles behind as it found. */
export function nothingLeft(): void {
  let before: ReturnType<typeof alive>;
  beforeEach(() => {
    before = alive();
  });
  afterEach(() => expect(alive()).toEqual(before));
}

let owned: { dispose(): void }[] = [];

/** Runs the test in a scope, so that only what escapes a scope is a leak. */
export const scoped = (body: () => void) => () => {
  owned = [];
  tf.engine().startScope();
  try {
    body();
  } finally {
    tf.engine().endScope();
    for (const one of owned.reverse()) one.dispose(); // functions before the variables that they use
  }
};

/** Disposes of it at the end of the test. */
export function dispose<T extends { dispose(): void }>(one: T): T {
  owned.push(one);
  return one;
}

/** A variable until the end of the test. */
export function variable(start: tf.Tensor | number[]): tf.Variable {
  return dispose(tf.tidy(() => tf.variable(start instanceof tf.Tensor ? start : tf.tensor(start))));
}

export const random = (shape: number[], seed = 1) => {
  const next = seededRandom(seed);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next() * 2 - 1),
    shape,
  );
};

export const values = (tensor: tf.Tensor) => [...tensor.dataSync()];

export function expectClose(actual: tf.Tensor, expected: tf.Tensor, tolerance = 1e-5) {
  expect(actual.shape).toEqual(expected.shape);
  const wanted = values(expected);
  for (const [i, value] of values(actual).entries()) {
    const difference = Math.abs(value - (wanted[i] ?? Number.NaN));
    expect(difference, `element ${i}: ${value} instead of ${wanted[i]}`).toBeLessThanOrEqual(
      tolerance * Math.max(1, Math.abs(wanted[i] ?? 0)),
    );
  }
}

/** A little of everything that a transformer does. */
export const mix = (x: tf.Tensor, w: tf.Tensor) =>
  tf.tidy(() => {
    const y = tf.softmax(x.matMul(w).add(tf.range(0, w.shape[1] ?? 0)));
    const [a, b] = tf.split(y.transpose(), 2, 0) as [tf.Tensor, tf.Tensor];
    const picked = tf.gather(w, tf.tensor1d([2, 0, 1], 'int32'));
    return tf
      .concat([
        a.mul(b.sigmoid()),
        picked
          .mean(-1, true)
          .rsqrt()
          .cos()
          .tile([1, a.shape[1] ?? 0]),
      ])
      .sum(1);
  });
