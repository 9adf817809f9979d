import { expect, test } from 'vitest';
import { groupsOfOneShape } from '../../lib/lowrank/src/runtime/tensorGroups';

test('what has the same key goes together, sixteen at most, in the order given', () => {
  const all = Array.from({ length: 60 }, (_, i) => ({ i, key: i % 3 === 0 ? 'a' : 'b' }));
  const groups = groupsOfOneShape(all, ({ key }) => key);
  expect(groups.map((group) => [group[0]?.key, group.length])).toEqual([
    ['a', 16],
    ['a', 4],
    ['b', 16],
    ['b', 16],
    ['b', 8],
  ]);
  expect(groups.slice(0, 2).flatMap((group) => group.map(({ i }) => i))).toEqual(Array.from({ length: 20 }, (_, n) => 3 * n));
  expect(groupsOfOneShape([], () => '')).toEqual([]);
});
