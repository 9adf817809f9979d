import { expect, test } from 'vitest';
import { mersenneTwister } from '../../../lib/lowrank/src/peft/vera/mersenneTwister';

test("draws the words of the authors' generator", () => {
  const next = mersenneTwister(5489);
  const words = Array.from({ length: 10_000 }, next);
  expect(words.slice(0, 3)).toEqual([3499211612, 581869302, 3890346734]);
  expect(words.at(-1)).toBe(4123659995); // the C++ standard's check, [rand.predef]
});
