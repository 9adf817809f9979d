/** Another Node than the one that the packages ask for is refused by its version. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { SetupError } from 'lowrank';
import { afterAll, describe, expect, test } from 'vitest';
import { checkNode } from '../../../lib/lowrank/src/runtime/device/checkNode';

const PACKAGES = ['.', 'lib/lowrank', 'lib/review'];

test('every package that a user installs asks for the same Node', () => {
  const asked = PACKAGES.map((folder) => JSON.parse(fs.readFileSync(join(folder, 'package.json'), 'utf8')).engines.node);
  expect(asked).toEqual(PACKAGES.map(() => '>=22.12 <23'));
});

test.each(['22.12.0', '22.20.0', '22.99.1'])('Node %s is right', (version) => {
  expect(() => checkNode(version)).not.toThrow();
});

test.each(['16.20.2', '20.20.2', '22.0.0', '22.11.9', '23.0.0', '24.1.0', '23.0.0-nightly'])('Node %s is refused', (version) => {
  expect(() => checkNode(version)).toThrow(SetupError);
  expect(() => checkNode(version)).toThrow(
    `this is Node ${version} (${process.execPath}); lowrank needs Node 22.12 or newer, and older than 23`,
  );
});

describe('a program that starts in Node 20', () => {
  const folder = fs.mkdtempSync(join(os.tmpdir(), 'lowrank-node-'));
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  const asOld = join(folder, 'asOld.cjs');
  fs.writeFileSync(asOld, "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });");
  const run = (...words: string[]) => spawnSync(process.execPath, ['--require', asOld, ...words], { encoding: 'utf8' });
  const message = /this is Node 20\.20\.2 .*; lowrank needs Node 22\.12 or newer, and older than 23\. A checkout has one: run `make setup`/;

  test.each([['require'], ['import']])('fails as it loads the library by %s', (how) => {
    const { status, stderr } = run('-e', how === 'import' ? "import('lowrank')" : "require('lowrank')");
    expect([status, stderr]).toEqual([1, expect.stringMatching(message)]);
  });

  test.each([['setup'], ['info'], ['generate']])('is told so by the command, as in lowrank %s, in one line', (command) => {
    const { status, stderr } = run(resolve('lib/lowrank/bin/lowrank.js'), command);
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
