import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';

const fakes = temporaryFolder()('fakes');

beforeEach(() => mkdirSync(fakes));
afterEach(() => rmSync(fakes, { recursive: true }));

/** Puts a command of our own before the machine's. */
function fake(command: string, script: string): void {
  const path = join(fakes, command);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
}

function check(environment: Record<string, string> = {}, cwd = '.'): { status: number | null; said: string } {
  const { status, stderr, stdout } = spawnSync('bash', [resolve('lib/lowrank/setup/check.sh')], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PYTHON: 'python3', PATH: `${fakes}:${process.env.PATH}`, ...environment },
  });
  return { status, said: (stdout + stderr).trim() };
}

test('a machine that has everything passes in silence', () => {
  expect(check()).toEqual({ status: 0, said: '' });
});

test('macOS is told what is supported', () => {
  fake('uname', 'case "$1" in -s) echo Darwin;; -m) echo arm64;; esac');
  const { status, said } = check();
  expect(status).toBe(1);
  expect(said).toMatch(/^setup: macOS is not supported.*Linux x86-64/);
});

test('another processor is told what is supported', () => {
  fake('uname', 'case "$1" in -s) echo Linux;; -m) echo aarch64;; esac');
  expect(check().said).toBe('setup: Linux on aarch64 is not supported; Linux on x86-64 is');
});

test('a missing Python is named together with the package to install', () => {
  expect(check({ PYTHON: 'no-such-python' }).said).toMatch(
    /^setup: 'no-such-python' not found: install Python .*apt install python3 python3-venv/,
  );
});

test('a Python without a TensorFlow wheel is named together with the way out', () => {
  fake('oldPython', 'echo 3.8');
  expect(check({ PYTHON: 'oldPython' }).said).toMatch(/'oldPython' is Python 3\.8, .*make setup PYTHON=/);
});

test('a Python without venv is told which package has it', () => {
  fake('barePython', 'case "$*" in *version_info*) echo 3.11;; *) exit 1;; esac');
  expect(check({ PYTHON: 'barePython' }).said).toMatch(/venv module is missing .*apt install python3-venv/);
});

test('a missing compiler is one line that names the package, not a stack trace', () => {
  const { said } = check({ CXX: 'no-such-compiler' });
  expect(said.split('\n')).toHaveLength(1);
  expect(said).toMatch(/^setup: no C\+\+ compiler: install g\+\+/);
});

test('a folder with a blank or a quote in its name will do; one with a colon is refused', () => {
  for (const [name, said] of [
    ['a b', /^$/],
    ["it's", /^$/],
    ['a:b', /colon in its name .*a:b.*move the checkout/],
  ] as const) {
    const folder = join(fakes, name);
    mkdirSync(folder);
    expect(check({}, folder).said).toMatch(said);
  }
});
