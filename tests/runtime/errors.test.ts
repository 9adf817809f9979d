import { ArgumentError, FormatError, LowrankError } from 'lowrank';
import { expect, test } from 'vitest';

test('what a message takes from a file cannot move a cursor, hide text or fill a screen', () => {
  const { message } = new FormatError(`a.json: '\u001b]0;title\u0007\0\u202e' is no number`);
  expect(message).toBe("a.json: '\ufffd]0;title\ufffd\ufffd\ufffd' is no number");
  expect(new ArgumentError('x'.repeat(5000)).message.length).toBeLessThanOrEqual(2000);
});

test('an error keeps its name, its code, its lines and its cause', () => {
  const cause = new TypeError('inner');
  const error = new FormatError('first\nsecond', { cause });
  expect(error).toBeInstanceOf(LowrankError);
  expect(error).toMatchObject({ name: 'FormatError', code: 'FORMAT', message: 'first\nsecond', cause });
});
