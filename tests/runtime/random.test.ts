import fc from 'fast-check';
import { ArgumentError } from 'lowrank';
import { expect, test } from 'vitest';
import { deriveSeed, seededRandom, shuffled } from '../../lib/lowrank/src/runtime';

const seeds = fc.nat({ max: Number.MAX_SAFE_INTEGER });

function draw(seed: number, count: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, random);
}

test('a seed repeats its sequence, and the sequence never changes between versions', () => {
  expect(draw(0, 3)).toEqual(draw(0, 3));
  expect(draw(7, 3)).toEqual([0.13159082760103047, 0.5052875622641295, 0.2799272914417088]);
});

test('different seeds give different sequences, also above 2^32', () => {
  fc.assert(
    fc.property(seeds, seeds, (one, other) => {
      fc.pre(one !== other);
      expect(draw(one, 4)).not.toEqual(draw(other, 4));
    }),
  );
  expect(draw(5, 4)).not.toEqual(draw(5 + 2 ** 32, 4));
});

test('numbers lie in [0, 1) and fill it evenly', () => {
  const counts = new Array<number>(10).fill(0);
  for (const value of draw(42, 100_000)) {
    expect(value >= 0 && value < 1).toBe(true);
    counts[Math.floor(value * 10)] = (counts[Math.floor(value * 10)] ?? 0) + 1;
  }
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400); // four standard deviations
});

test('shuffled keeps every item and leaves the given array alone', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), seeds, (items, seed) => {
      const before = [...items];
      const result = shuffled(items, seed);
      expect(items).toEqual(before);
      expect([...result].sort((a, b) => a - b)).toEqual([...items].sort((a, b) => a - b));
      expect(shuffled(items, seed)).toEqual(result);
    }),
  );
});

test('derived seeds differ by index and by depth', () => {
  const derived = [deriveSeed(1), deriveSeed(2), deriveSeed(1, 0), deriveSeed(1, 1), deriveSeed(1, 0, 0), deriveSeed(1, 0, 1)];
  expect(new Set(derived).size).toBe(derived.length);
});

test('a seed that is no whole number is refused', () => {
  for (const seed of [-1, 0.5, Number.NaN, Infinity]) expect(() => seededRandom(seed)).toThrow(ArgumentError);
});
