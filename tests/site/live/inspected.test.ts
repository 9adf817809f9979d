import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { printed } from '../../../docs/site/live/worker/inspected.ts';

test.each([
  { total: 12, trainable: 3 },
  [1, 2.5, -0, Number.NaN],
  { name: 'a', list: [[1], []], nothing: null, missing: undefined, 'two words': true },
  [],
  12n,
  null,
])('a page prints %s as Node does', (value) => {
  expect(printed([value])).toBe(inspect(value));
});

test('texts stand as they are, values beside them', () => {
  expect(printed(['by hand:', { total: 1 }, 'and', 2])).toBe('by hand: { total: 1 } and 2');
});
