import { ArgumentError } from 'lowrank';
import { expect, test } from 'vitest';
import { checkWhole } from '../../../lib/lowrank/src/runtime/checks/checkWhole';

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('a count of %s is refused by its name', (value) => {
  expect(() => checkWhole('batchSize', value)).toRefuse(ArgumentError, `batchSize ${value} is not a whole number from 1 up`);
});

test('the least count passes, also where that is 0', () => {
  checkWhole('batchSize', 1);
  checkWhole('warmupSteps', 0, 0);
  expect(() => checkWhole('warmupSteps', -1, 0)).toThrow('warmupSteps -1 is not a whole number from 0 up');
});
