/** Whether products in bfloat16 are worth while here. */
import fs from 'node:fs';
import { deviceInfo } from './deviceInfo';

/** The instructions that multiply bfloat16, by Linux's names. */
const INSTRUCTIONS: ReadonlySet<string> = new Set(['avx512_bf16', 'amx_bf16']);

let isKnown: boolean | undefined;

/**
 * Whether the device multiplies in bfloat16: a GPU does; a CPU that has instructions for it, as far as `/proc/cpuinfo` tells.
 *
 * Without them TensorFlow computes such products all the same, but slower than in float32: by Eigen, or where there is AVX-512
 * by oneDNN, "for validation purposes", three to four times as slow (oneDNN, "Data Types", hardware limitations).
 */
export function hasBfloat16Products(): boolean {
  isKnown ??= deviceInfo().device === 'GPU' || listsBfloat16Products(processorInfo());
  return isKnown;
}

/** Whether a text in the form of `/proc/cpuinfo` names one of the instructions. */
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
