import { expect, test } from 'vitest';
import { groupsByLength } from '../../lib/lowrank/src/runtime/groupsByLength';

test('items go from the shortest to the longest, those of one length in their order, and the given array stays as it was', () => {
  const words = ['ccc', 'a', 'bb', 'z', 'dddd'];
  expect(groupsByLength(words, 2, ({ length }) => length)).toEqual([['a', 'z'], ['bb', 'ccc'], ['dddd']]);
  expect(words).toEqual(['ccc', 'a', 'bb', 'z', 'dddd']);
  expect(groupsByLength([], 3, () => 0)).toEqual([]);
});
