import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

const readLock = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Lock;
const installedBy = ({ packages }: Lock) =>
  Object.entries(packages).filter(([path, entry]) => path.includes('node_modules/') && !entry.link);
const lock = readLock('package-lock.json');
const installed = installedBy(lock);

test.each([
  ['package-lock.json', 100],
  ['docs/site/packages/package-lock.json', 50],
  ['tests/notebooks/pages/site/package-lock.json', 1],
  ['tests/site/npmChromium/package-lock.json', 10],
])('every npm package of %s is pinned by a sha512 hash, and comes from the registry', (file, atLeast) => {
  const entries = installedBy(readLock(file));
  expect(entries.length).toBeGreaterThanOrEqual(atLeast);
  expect(entries.filter(([, entry]) => !entry.integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([]);
  const elsewhere = entries.filter(([, { resolved }]) => resolved && !resolved.startsWith('https://registry.npmjs.org/'));
  expect(elsewhere.map(([path]) => path)).toEqual([]);
});

test('only packages known to work without their install scripts have one', () => {
  const known = ['@tensorflow/tfjs-node-gpu', 'core-js', 'zeromq', 'fsevents'];
  const scripted = installed.filter(([, entry]) => entry.hasInstallScript).map(([path]) => path.split('node_modules/').pop());
  expect(scripted.filter((name) => !known.includes(name ?? ''))).toEqual([]);
});

test('danfojs-node shares our TensorFlow and gets the maintained xlsx', () => {
  expect(lock.packages['node_modules/@tensorflow/tfjs-node']?.link).toBe(true);
  expect(installed.filter(([path]) => path.endsWith('/@tensorflow/tfjs-node-gpu'))).toHaveLength(1);
  expect(lock.packages['node_modules/xlsx']?.version).toBe('0.20.3');
});

test('no form-data draws its boundary from Math.random (CVE-2025-7783, mended in 2.5.4 and 4.0.4)', () => {
  const versions = installed.filter(([path]) => path.endsWith('/form-data')).map(([, { version }]) => version);
  expect(versions.sort()).toEqual(['2.5.5', '4.0.6']);
});

test.each(['requirements.lock', 'lib/lowrank/setup/requirements-cpu.lock', 'lib/lowrank/setup/requirements-gpu.lock'])(
  'every Python package in %s is pinned by a hash',
  (file) => {
    const entries = readFileSync(file, 'utf8')
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => /^[a-z]/i.test(line));
    expect(entries.length).toBeGreaterThan(1);
    expect(entries.filter((line) => !/^[\w.-]+==[\w.]+.*--hash=sha256:/.test(line))).toEqual([]);
  },
);
