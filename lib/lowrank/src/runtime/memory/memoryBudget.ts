/** Refusing work that would not fit the memory, before any of it is begun. */
import process from 'node:process';
import { ArgumentError, MemoryError } from '../errors';
import { type AvailableMemory, availableTensorMemory, residentMemory } from './availableMemory';

/** One thing that takes memory. */
export interface MemoryTerm {
  /** In words, for example `gradients`. */
  readonly name: string;
  readonly bytes: number;
}

/** What a piece of work takes at its peak, beyond what the process holds before it. */
export interface MemoryPlan {
  /** The largest first. */
  readonly terms: readonly MemoryTerm[];
  /** The sum of the terms. */
  readonly bytes: number;
}

/** How a request is worded where it is refused. */
export interface MemoryRequest {
  /** For example `training on 4 × 512 tokens`. */
  readonly what: string;
  /** What to do about it. */
  readonly remedy: string;
}

/** Work below this is not held against what the machine has free: to ask takes time, and a machine without so little is lost anyway. */
const SMALL = 2 ** 28;

/** The variable with a limit of one's own. */
const VARIABLE = 'LOWRANK_MEMORY_LIMIT';

export function memoryPlan(terms: readonly MemoryTerm[]): MemoryPlan {
  const largestFirst = terms.filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
  return { terms: largestFirst, bytes: largestFirst.reduce((sum, term) => sum + term.bytes, 0) };
}

/**
 * Lets work through that fits what is free, and refuses other work.
 *
 * The environment variable `LOWRANK_MEMORY_LIMIT` sets a limit for the whole process, for example `8GB`, in place of what the machine
 * has free; `none` lets everything through.
 *
 * @throws MemoryError naming the three largest terms and the remedy; ArgumentError when the variable is not understood.
 */
export function checkMemory({ terms, bytes }: MemoryPlan, { what, remedy }: MemoryRequest): void {
  if (bytes < SMALL && !process.env[VARIABLE]) return;
  const available = memoryBudget();
  if (bytes <= available.bytes) return;
  const largest = terms.slice(0, 3).map((term) => `${term.name} ${bytesText(term.bytes)}`);
  throw new MemoryError(
    `${what} takes ${bytesText(bytes)} of memory, and ${available.limit} ${bytesText(available.bytes)}. The most goes to ` +
      `${largest.join(', ')}. ${remedy}; or set ${VARIABLE} (for example 8GB, or none to go on anyway)`,
  );
}

/** What may still be taken: up to the limit that was set, or else what is free. */
export function memoryBudget(): AvailableMemory {
  const given = process.env[VARIABLE]?.trim();
  if (!given) return availableTensorMemory();
  if (given === 'none') return { bytes: Number.POSITIVE_INFINITY, limit: 'there is no limit:' };
  return { bytes: Math.max(0, parseBytes(given) - residentMemory()), limit: `${VARIABLE}=${given} leaves` };
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

function parseBytes(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? [];
  const factor = UNITS[unit.toUpperCase()];
  if (digits === '' || factor === undefined) {
    throw new ArgumentError(`${VARIABLE}=${text} is not a size: give a number with KB, MB, GB, KiB, MiB or GiB, or none`);
  }
  return Number(digits) * factor;
}

/** For example `1.2 GB`. */
export function bytesText(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'more bytes than can be counted';
  const [unit, size] =
    (
      [
        ['TB', 1e12],
        ['GB', 1e9],
      ] as const
    ).find(([, size]) => bytes >= size) ?? (['MB', 1e6] as const);
  return `${(bytes / size).toLocaleString('en-US', { maximumFractionDigits: bytes < 10 * size ? 1 : 0 })} ${unit}`;
}
