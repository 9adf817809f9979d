import { ArgumentError } from 'lowrank';
import { expect, test } from 'vitest';
import { atPlace } from '../../../lib/lowrank/src/runtime/messages/atPlace';

function messageAt(place: string, message: string): string {
  try {
    return atPlace(place, () => {
      throw new ArgumentError(message);
    });
  } catch (error) {
    return error instanceof ArgumentError ? error.message : `not ours: ${error}`;
  }
}

test('an error of ours that does not name the place is given it', () => {
  expect(messageAt('/a/b', 'r is 0')).toBe('/a/b: r is 0');
  expect(messageAt('/a/b', '/a/b/c: r is 0')).toBe('/a/b/c: r is 0');
});

test('with the place, too, a message has at most 2,000 characters', () => {
  expect(messageAt('/a'.repeat(100), 'x'.repeat(5000)).length).toBeLessThanOrEqual(2000);
});
