import { expect, test } from 'vitest';
import { chosenNotebooks } from './chosen';

const ALL = ['00-start', '02-lora', '03-zero-init-prefix'];

test('without a choice all notebooks are looked at', () => {
  expect(chosenNotebooks(ALL, ' ')).toEqual(ALL);
});

test('notebooks are chosen by their names or their numbers, and come in the order of the course', () => {
  expect(chosenNotebooks(ALL, '03, 00-start')).toEqual(['00-start', '03-zero-init-prefix']);
});

test('a name that fits no notebook is refused, with those that there are', () => {
  expect(() => chosenNotebooks(ALL, '02 07')).toThrow("ONLY names '07'; the notebooks are 00-start, 02-lora, 03-zero-init-prefix");
});
