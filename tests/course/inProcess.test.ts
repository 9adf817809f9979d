import { inProcess } from 'lowrank-course';
import { expect, test } from 'vitest';

test('a function in its own process gets the library, what it is given, and variables', async () => {
  const outcome = await inProcess(
    ({ LoraConfig }, { r }) => ({ rank: new LoraConfig({ r }).r, id: process.pid, variable: process.env.OWN_VARIABLE }),
    { r: 3 },
    { OWN_VARIABLE: 'own' },
  );
  expect(outcome.result).toMatchObject({ rank: 3, variable: 'own' });
  expect(outcome.result?.id).not.toBe(process.pid);
  expect(outcome.peak).toBeGreaterThan(50);
});

test('what it throws is its message, and it knows nothing around it', async () => {
  const outside = 1;
  expect((await inProcess(() => outside, undefined)).message).toMatch(/is not defined$/);
  expect((await inProcess((_, text) => Promise.reject(new Error(text)), 'no')).message).toBe('no');
});

test('a process that is killed has no outcome, and one that ends by itself is an error', async () => {
  expect(await inProcess(() => process.kill(process.pid, 'SIGKILL'), 0)).toEqual({});
  await expect(inProcess(() => process.exit(3), 0)).rejects.toThrow('the process ended with 3 and no outcome');
});
