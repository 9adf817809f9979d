/** Whether the device computes products in bfloat16 faster. */
import fs from 'node:fs';
import { deviceInfo } from './deviceInfo';

/** Linux's names of the instructions that multiply bfloat16. */
const INSTRUCTIONS: ReadonlySet<string> = new Set(['avx512_bf16', 'amx_bf16']);

let isKnown: boolean | undefined;

/**
 * Whether the device multiplies in bfloat16: every GPU, and a CPU that has the instructions according to `/proc/cpuinfo`.
 *
 * Without the instructions, TensorFlow still computes such products, but more slowly than in float32: with Eigen, or on AVX-512 with
 * oneDNN, "for validation purposes", at a third to a quarter of the speed (oneDNN, "Data Types", hardware limitations).
 */
export function hasBfloat16Products(): boolean {
  isKnown ??= deviceInfo().device === 'GPU' || listsBfloat16Products(processorInfo());
  return isKnown;
}

/** Whether the text of `/proc/cpuinfo` names one of the instructions. */
export function listsBfloat16Products(info: string): boolean {
  const [, names = ''] = /^flags\s*:(.*)$/m.exec(info) ?? [];
  return names.split(' ').some((name) => INSTRUCTIONS.has(name));
}

function processorInfo(): string {
  try {
    return fs.readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return ''; // not Linux, or a container that hides it
  }
}
