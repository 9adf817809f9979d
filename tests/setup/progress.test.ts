import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

function run(script: string): { status: number | null; said: string } {
  const words = ['lib/lowrank/setup/progress.py', 'Things', '3', 'got (\\S+)', '--', 'sh', '-c', script];
  const { status, stderr } = spawnSync('.venv/bin/python', words, { encoding: 'utf8' });
  return { status, said: stderr };
}

test('a command that succeeds is told in two lines, without what it printed', () => {
  const { status, said } = run('echo got one; echo got two; echo noise');
  expect(status).toBe(0);
  expect(said).toMatch(/^setup: Things …\nsetup: Things: \d+ s\n$/);
});

test('a command that fails shows what it printed, and its exit code is passed on', () => {
  const { status, said } = run('echo got one; echo why >&2; exit 7');
  expect(status).toBe(7);
  expect(said).toMatch(/setup: Things: failed after \d+ s\ngot one\nwhy\n$/);
});
