import { ArgumentError } from 'lowrank';
import { expect, test } from 'vitest';
import { firstMatches, fullMatches } from '../../../lib/lowrank/src/peft/config/regularExpression';

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
  for (const pattern of ['(', 'x(?i)', 'x++', '(?P<name', '[z-a]'])
    expect(() => fullMatches(pattern, ['x'])).toThrow('is not a regular expression');
  expect(() => fullMatches('a'.repeat(2000), ['x'])).toThrow('is longer than 1000');
});

test.each([
  ['(?P<block>.*)\\.q_proj', ['a.q_proj']],
  ['\\A.*q_proj\\Z', ['a.q_proj']],
  ['(?P<x>a)\\.q_proj|(?P<y>z)(?P=y)', ['a.q_proj']],
  ['(?i).*\\.(Q|V)_PROJ', ['a.q_proj', 'a.v_proj']],
  ['(?si)A.[QV]_proj', ['a.q_proj', 'a.v_proj']],
  ['a\\.q\\_proj', ['a.q_proj']],
  ['a[\\.\\-][q\\_]_proj', ['a.q_proj']],
  ['a[].][^]v]_proj', ['a.q_proj']],
])("Python's %s means what it means there", (pattern, found) => {
  expect(fullMatches(pattern, ['a.q_proj', 'a.v_proj', 'z'])).toEqual(found);
});

test("what JavaScript has not of Python's expressions is refused by the pattern", () => {
  for (const pattern of ['(?x) .*q_proj', '.*(?i:Q)_proj', '.*+q_proj', '(?#note)q_proj'])
    expect(() => fullMatches(pattern, ['q_proj'])).toThrow(/is not a regular expression.*list names instead/);
});
