import { ArgumentError } from 'lowrank';
import { expect, test } from 'vitest';
import { firstMatches, fullMatches } from '../../lib/src/peft/regularExpression';

const PATHS = Array.from({ length: 32 }, (_, n) => `model.layers.${n}.self_attn.q_proj`);

test('matches whole texts, and tells which pattern was first', () => {
  expect(fullMatches('.*\\.(1|30)\\..*_proj', PATHS)).toEqual([PATHS[1], PATHS[30]]);
  expect(fullMatches('self_attn', PATHS)).toEqual([]);
  expect(fullMatches('a|b', ['a', 'b', 'ab'])).toEqual(['a', 'b']);
  expect(firstMatches(['b', 'a', 'ab'], ['ab', 'a', 'c'])).toEqual([0, 1, -1]);
  expect(firstMatches([], ['x'])).toEqual([-1]);
});

test.each([
  ['(a+)+b', ['a'.repeat(60)]],
  ['([a-z_.0-9]+)+!', PATHS],
  ['(.*.*.*.*.*.*.*.*)*x', PATHS],
  ['(?:a?){50}'.repeat(90), ['a'.repeat(5000)]],
  ['(?=(a+))*b'.repeat(50), ['a'.repeat(5000)]],
])('stops %s, which would run for hours', (pattern, texts) => {
  try {
    fullMatches(pattern, texts);
  } catch (error) {
    expect(error).toBeInstanceOf(ArgumentError);
    expect(String(error)).toMatch(/takes more than 100 ms|is not a regular expression/);
  }
});

test('refuses what JavaScript does not know, and what is too long', () => {
  for (const pattern of ['(', 'x\\Z', '(?P<name>x)', '[z-a]'])
    expect(() => fullMatches(pattern, ['x'])).toThrow('is not a regular expression');
  expect(() => fullMatches('a'.repeat(2000), ['x'])).toThrow('is longer than 1000');
});
