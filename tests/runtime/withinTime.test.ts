import { ArgumentError } from 'lowrank';
import { expect, test, vi } from 'vitest';
import { withinTime } from '../../lib/lowrank/src/runtime/withinTime';

const sleep = (milliseconds: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

test('work without an end is stopped, and errors and results pass through', () => {
  const endless = () => {
    for (;;);
  };
  expect(() => withinTime(50, 'counting', endless)).toRefuse(ArgumentError, 'counting takes more than 50 ms and was stopped');
  expect(withinTime(50, 'adding', () => 1 + 1)).toBe(2);
  expect(() => withinTime(50, 'reading', () => JSON.parse('{'))).toThrow(SyntaxError);
});

test('work that waits for the processor for longer than its time is tried again until it has had it', () => {
  const work = vi.fn(() => {
    sleep(400);
    return 'done';
  });
  expect(withinTime(200, 'waiting', work)).toBe('done');
  expect(work.mock.calls.length).toBeGreaterThan(1);
});
