/** Refuses work that would not fit into memory, before it begins. */
import process from 'node:process';
import { ArgumentError, MemoryError } from '../errors';
import { type AvailableMemory, availableTensorMemory, residentMemory } from './availableMemory';

/** One thing that takes memory. */
export interface MemoryTerm {
  /** In words, for example `gradients`. */
  readonly name: string;
  readonly bytes: number;
}

/** The peak memory of some work, beyond what the process already holds. */
export interface MemoryPlan {
  /** The largest first. */
  readonly terms: readonly MemoryTerm[];
  /** The sum of the terms. */
  readonly bytes: number;
}

/** The words of a refusal. */
interface MemoryRequest {
  /** For example `training on 4 × 512 tokens`. */
  readonly what: string;
  readonly remedy: string;
}

/** Smaller work is not compared with the free memory: asking takes time, and a machine with so little is lost anyway. */
const SMALL = 2 ** 28;

/** The variable that sets a limit. */
const VARIABLE = 'LOWRANK_MEMORY_LIMIT';

export function memoryPlan(terms: readonly MemoryTerm[]): MemoryPlan {
  const largestFirst = terms.filter(({ bytes }) => bytes > 0).sort((a, b) => b.bytes - a.bytes);
  return { terms: largestFirst, bytes: largestFirst.reduce((sum, term) => sum + term.bytes, 0) };
}

/**
 * Refuses work that does not fit into the free memory.
 *
 * The environment variable `LOWRANK_MEMORY_LIMIT` sets a limit for the whole process, for example `8GB`, in place of the free memory;
 * `none` allows everything.
 *
 * @throws MemoryError with the three largest terms and the remedy; ArgumentError when the variable cannot be parsed.
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

/** The memory that may still be taken: up to the limit that was set, else the free memory. */
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
function bytesText(bytes: number): string {
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
