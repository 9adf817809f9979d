/** Variables with random initial values, the same for the same seed on every machine. */

import { seededRandom, tf } from '../runtime';
import { checkMemory, memoryPlan } from '../runtime/memory/memoryBudget';
import { sizeOf } from '../runtime/sizeOf';

/** Uniform in ±bound. */
export function uniformVariable(shape: readonly number[], bound: number, seed: number): tf.Variable {
  const random = seededRandom(seed);
  return filled(shape, () => (2 * random() - 1) * bound);
}

/** Normal with mean 0 and this standard deviation (Box and Muller's transform). */
export function normalVariable(shape: readonly number[], deviation: number, seed: number): tf.Variable {
  const random = seededRandom(seed);
  return filled(shape, () => deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}

function filled(shape: readonly number[], next: () => number): tf.Variable {
  const size = sizeOf(shape);
  checkMemory(memoryPlan([{ name: 'its first values', bytes: 8 * size }]), {
    what: `a parameter of shape [${shape}]`,
    remedy: 'Make it smaller',
  });
  const values = Float32Array.from({ length: size }, next);
  return tf.tidy(() => tf.variable(tf.tensor(values, [...shape])));
}
