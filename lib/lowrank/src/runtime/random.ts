/** The seeded generator behind every random draw of this library in JavaScript: a seed repeats a run. */
import { ArgumentError } from './errors';
import { shown } from './messages/shown';

/**
 * A generator of numbers in [0, 1): the same sequence for the same seed, on every machine.
 *
 * sfc32 of Chris Doty-Humphrey's PractRand (128 bits of state, period above 2³²), its state filled from the seed.
 *
 * @throws ArgumentError when the seed is not a whole number from 0 to 2⁵³ − 1.
 */
export function seededRandom(seed: number): () => number {
  checkSeed(seed);
  let a = mix(seed >>> 0);
  let b = mix(a ^ Math.floor(seed / 2 ** 32));
  let c = mix(b);
  let counter = 1;
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next(); // until every bit of the seed has reached every bit of the state
  return next;
}

/** A copy of the items in an order drawn from the seed (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  const random = seededRandom(seed);
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const chosen = Math.floor(random() * (last + 1));
    const item = result[last] as T;
    result[last] = result[chosen] as T;
    result[chosen] = item;
  }
  return result;
}

/**
 * A seed for the part of a run that `indices` name, for example `deriveSeed(seed, epoch)`. Parts get unrelated sequences, and none depends
 * on how much another has drawn, so a run can resume at any part.
 */
export function deriveSeed(seed: number, ...indices: readonly number[]): number {
  checkSeed(seed);
  let derived = mix((seed >>> 0) ^ mix(Math.floor(seed / 2 ** 32)));
  for (const index of indices) derived = mix(derived ^ mix(index + 1));
  return derived >>> 0;
}

function checkSeed(seed: number): void {
  if (!Number.isSafeInteger(seed) || seed < 0) throw new ArgumentError(`seed ${shown(seed)} is not a whole number from 0 to 2^53 - 1`);
}

/** One step of splitmix32: neighbouring inputs have unrelated results. */
function mix(value: number): number {
  let z = (value + 0x9e3779b9) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}
