import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'lowrank-cache-'));
});
afterEach(() => rmSync(home, { recursive: true }));

/** A process that loads the library, says where Node keeps compiled code, and multiplies. */
function run(environment: NodeJS.ProcessEnv): { folder: string; product: number } {
  const code = `const { tf } = require('lowrank');
    const folder = require('node:module').getCompileCacheDir() ?? '';
    console.log(JSON.stringify({ folder, product: tf.scalar(6).mul(7).dataSync()[0] }));`;
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, ...environment };
  for (const name of ['NODE_COMPILE_CACHE', 'XDG_CACHE_HOME']) if (!(name in environment)) delete env[name];
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8', env });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

test("compiled code is kept in the user's own cache, for the next process", () => {
  const { folder } = run({});
  expect(folder.startsWith(join(home, '.cache', 'lowrank', 'compiled'))).toBe(true);
  expect(readdirSync(folder).length).toBeGreaterThan(100);
  expect(run({ XDG_CACHE_HOME: join(home, 'xdg') }).folder.startsWith(join(home, 'xdg', 'lowrank', 'compiled'))).toBe(true);
  expect(run({ XDG_CACHE_HOME: 'relative' }).folder).toBe(folder);
});

test('a folder that Node was told of stays the one', () => {
  const own = join(home, 'own');
  expect(run({ NODE_COMPILE_CACHE: own }).folder.startsWith(own)).toBe(true);
  expect(run({ NODE_DISABLE_COMPILE_CACHE: '1' }).folder).toBe('');
  expect(existsSync(join(home, '.cache'))).toBe(false);
});

test('a cache that cannot be written, or read, or has no place, changes nothing else', () => {
  writeFileSync(join(home, '.cache'), 'a file, not a folder');
  expect(run({}).product).toBe(42);
  const xdg = join(home, 'xdg');
  const { folder } = run({ XDG_CACHE_HOME: xdg });
  for (const name of readdirSync(folder)) writeFileSync(join(folder, name), 'no code');
  expect(run({ XDG_CACHE_HOME: xdg }).product).toBe(42);
  expect(run({ HOME: '' })).toEqual({ folder: '', product: 42 });
});
