import { ArgumentError, LowrankError, StateError } from 'lowrank';
import { expect, test } from 'vitest';

test('toRefuse takes a class and a message together, of what is called or rejected', async () => {
  const run = () => {
    throw new ArgumentError('no such option');
  };
  expect(run).toRefuse(LowrankError, 'such');
  await expect(Promise.reject(new ArgumentError('no such option'))).rejects.toRefuse(ArgumentError, /^no/);
  expect(() => expect(run).toRefuse(StateError, 'such')).toThrow('expected StateError with such, got ArgumentError: no such option');
  expect(() => expect(run).toRefuse(ArgumentError, /^such/)).toThrow('expected ArgumentError with /^such/');
  expect(() => expect(() => 1).toRefuse(ArgumentError, '')).toThrow('got no error');
});
