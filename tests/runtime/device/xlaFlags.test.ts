import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { ArgumentError } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { checkXlaFlags } from '../../../lib/lowrank/src/runtime/device/xlaFlags';
import { temporaryFolder } from '../../io/temporaryFolder';

const folder = temporaryFolder();
const library = folder('library');
/** The second name lies across two of the pieces in which a library is read. */
const texts = Buffer.alloc(2 ** 23);
texts.write('xla_dump_to\0', 1000);
texts.write('xla_gpu_enable_triton_gemm\0', 2 ** 22 - 5);
fs.writeFileSync(library, texts);

/** A process with these variables that loads TensorFlow and prints the flags that it has then. */
function loaded(environment: Readonly<Record<string, string>>) {
  const load = ['-p', 'require("./lib/lowrank/dist/runtime/device/tensorflow.js"); process.env.XLA_FLAGS'];
  return spawnSync('node', load, { env: { ...process.env, ...environment }, encoding: 'utf8' });
}

describe('flags for XLA', () => {
  test.each(['', ' ', '--xla_dump_to=/x', ' --xla_gpu_enable_triton_gemm=false  --xla_dump_to="/a folder" '])(
    'that TensorFlow knows go through: %j',
    (flags) => {
      expect(() => checkXlaFlags(flags, library)).not.toThrow();
    },
  );

  test.each([
    ['--xla_nonsense=1', 'XLA_FLAGS has --xla_nonsense, which this TensorFlow does not know'],
    ['--xla_dump_to=/x --xla_dump_two', '--xla_dump_two'],
    ['--xla_dump=1', '--xla_dump,'],
    ['--xla_dump_to=/x nonsense', 'XLA_FLAGS has nonsense, which is not a flag'],
    ['-', 'XLA_FLAGS has -, which is not a flag'],
    ['xla_dump_to=/x', 'neither flags (--xla_…) nor a file of them that can be read: xla_dump_to=/x'],
  ])('that would end the process, or do nothing, are refused: %j', (flags, message) => {
    expect(() => checkXlaFlags(flags, library)).toRefuse(ArgumentError, message);
  });

  test('in a file are read as XLA reads them', () => {
    const file = folder('flags');
    fs.writeFileSync(file, '--xla_dump_to=/x\n--xla_nonsense\n');
    expect(() => checkXlaFlags(file, library)).toThrow('--xla_nonsense');
    fs.writeFileSync(file, '--xla_dump_to=/x\n--xla_gpu_enable_triton_gemm=true\n');
    expect(checkXlaFlags(file, library)).toBe('--xla_dump_to=/x --xla_gpu_enable_triton_gemm=true');
    fs.writeFileSync(file, '--xla_dump_to=/x\n');
    expect(loaded({ XLA_FLAGS: file }).stdout).toBe('--xla_dump_to=/x --xla_gpu_enable_triton_gemm=false\n'); // with the library's own
    fs.writeFileSync(file, '--xla_dump_to=/x --xla_gpu_enable_triton_gemm=true\n');
    expect(loaded({ XLA_FLAGS: file }).stdout).toBe('--xla_dump_to=/x --xla_gpu_enable_triton_gemm=true\n'); // not the path, for a child
  });

  test('that a process has looked up are known to those that it starts, and others are looked up there', () => {
    expect(process.env.LOWRANK_CHECKED_XLA_FLAGS).toBe(process.env.XLA_FLAGS);
    const XLA_FLAGS = '--xla_nonsense --xla_gpu_enable_triton_gemm=false'; // to load compiles nothing, so it ends nothing
    expect(loaded({ XLA_FLAGS, LOWRANK_CHECKED_XLA_FLAGS: XLA_FLAGS }).stdout).toBe(`${XLA_FLAGS}\n`);
    expect(loaded({ XLA_FLAGS }).stderr).toMatch(/ArgumentError.* XLA_FLAGS has --xla_nonsense, which this TensorFlow does not know/);
  });

  test('are looked up in the library that is loaded', () => {
    expect(() => checkXlaFlags('--xla_gpu_enable_triton_gemm=false --xla_dump_to=/x')).not.toThrow();
  });
});
