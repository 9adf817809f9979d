import { execFile, execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const BINDING = nodePath.resolve('lib/lowrank/setup/binding');
const AVX2 = ['-mavx2', '-mfma', '-mf16c'];
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  [nodePath.resolve('tests/setup/kernelCheck.cc')]: [],
  'kernels/floatKernels.cc': [],
  'kernels/floatKernelsAvx2.cc': AVX2,
  'kernels/floatKernelsAvx512.cc': [...AVX2, '-mavx512f'],
  'rowProducts/rowKernels.cc': [],
  'rowProducts/rowKernelsAvx2.cc': AVX2,
};

test('the kernels compile without a warning, stay inside of their buffers, and agree over all instruction sets', {
  timeout: 180_000,
}, async () => {
  const folder = fs.mkdtempSync(nodePath.join(os.tmpdir(), 'lowrank-'));
  // GCC takes what a sanitizer checks for uninitialised.
  const flags = [
    '-std=c++17',
    '-O0',
    '-fPIC',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-Wno-psabi',
    '-Wno-maybe-uninitialized',
    `-I${BINDING}/kernels`,
    `-I${BINDING}/rowProducts`,
    '-fsanitize=address,undefined',
    '-fno-sanitize-recover=all',
  ];
  const compiler = process.env.CXX ?? 'g++';
  const compiled = Object.entries(SOURCES).map(async ([source, more]) => {
    const object = nodePath.join(folder, `${nodePath.basename(source)}.o`);
    await promisify(execFile)(compiler, [...flags, ...more, '-c', nodePath.resolve(BINDING, source), '-o', object]);
    return object;
  });
  const objects = await Promise.all(compiled);
  const program = nodePath.join(folder, 'kernels');
  execFileSync(compiler, [...flags, ...objects, '-o', program]);
  const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8' });
  fs.rmSync(folder, { recursive: true });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});
