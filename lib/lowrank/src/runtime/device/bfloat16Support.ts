/** Whether the device computes products in bfloat16 faster. */
import fs from 'node:fs';
import { deviceInfo } from './deviceInfo';

let isKnown: boolean | undefined;

/**
 * Whether the device multiplies in bfloat16: every GPU, and a CPU that has the instructions according to `/proc/cpuinfo`.
 *
 * A Xeon that has tiles (AMX) and hides them from a virtual machine is faster in float32: its AVX-512 instructions for bfloat16 are slow
 * (tests/bench/results/cpu/hiddenTiles.json). Such a Xeon is known by `avx512_fp16`, which came with the tiles.
 *
 * Without the instructions, TensorFlow still computes such products, but more slowly than in float32: with Eigen, or on AVX-512 with
 * oneDNN, "for validation purposes", at a third to a quarter of the speed (oneDNN, "Data Types", hardware limitations).
 */
export function hasBfloat16Products(): boolean {
  isKnown ??= deviceInfo().device === 'GPU' || listsBfloat16Products(processorInfo());
  return isKnown;
}

/** Whether the text of `/proc/cpuinfo` names instructions that multiply bfloat16 faster than float32. */
export function listsBfloat16Products(info: string): boolean {
  const [, names = ''] = /^flags\s*:(.*)$/m.exec(info) ?? [];
  const flags = new Set(names.split(' '));
  return flags.has('amx_bf16') || (flags.has('avx512_bf16') && !flags.has('avx512_fp16'));
}

function processorInfo(): string {
  try {
    return fs.readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return ''; // not Linux, or a container that hides it
  }
}
