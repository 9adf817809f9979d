import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, LockedPackage> };
const installed = Object.entries(lock.packages).filter(([path, entry]) => path.includes('node_modules/') && !entry.link);

test('every npm package is pinned by a sha512 hash', () => {
  expect(installed.length).toBeGreaterThan(100);
  expect(installed.filter(([, entry]) => !entry.integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([]);
});

test('no npm package comes from git or from an address outside the registry', () => {
  const elsewhere = installed.filter(([, { resolved }]) => resolved && !resolved.startsWith('https://registry.npmjs.org/'));
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
