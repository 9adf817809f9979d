/** What is promised of every input from outside, as a check of one. */
import fs from 'node:fs';
import process from 'node:process';
import { LowrankError, tf } from 'lowrank';
import type { OpenFormat } from './formats.ts';
import { listing } from './listing.ts';

/** What became of an input: read, refused by an error of ours, or one of the promises broken. */
export interface Outcome {
  readonly kind: 'value' | 'error' | 'fault';
  /** The fault. */
  readonly what?: string;
  /** Of the processor. */
  readonly ms: number;
}

/** Growth of the process beyond which an input has taken too much memory: some of the garbage before it, and a multiple of its size. */
const MEMORY = { base: 96 * 2 ** 20, perByte: 64 };
const LONGEST_MESSAGE = 2000;
const UNPRINTABLE = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Reads an input and says which promise, if any, did not hold. */
export async function tryInput(format: OpenFormat, input: Buffer): Promise<Outcome> {
  const warnings: string[] = [];
  const silenced = console.warn;
  console.warn = (...words: unknown[]) => void warnings.push(words.join(' '));
  const tensors = tf.memory().numTensors;
  const peak = process.resourceUsage().maxRSS;
  const before = process.cpuUsage();
  let error: unknown;
  let isRefused = false;
  try {
    await format.read(input);
  } catch (cause) {
    error = cause;
    isRefused = true;
  }
  console.warn = silenced;
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000;
  const grown = (process.resourceUsage().maxRSS - peak) * 1024;
  const left = tf.memory().numTensors - tensors;
  const faults = [
    isRefused ? faultOfError(format, error) : undefined,
    ...warnings.map((text) => faultOfText('a warning', text)),
    ms > 1000 * format.seconds ? `it took ${(ms / 1000).toFixed(1)} s; at most ${format.seconds} s are promised` : undefined,
    grown > MEMORY.base + MEMORY.perByte * input.length ? `the process grew by ${Math.round(grown / 2 ** 20)} MiB` : undefined,
    left !== 0 ? `${left} tensors were left behind` : undefined,
    Reflect.get({}, 'polluted') === undefined && Object.keys(Object.prototype).length === 0 ? undefined : "Object's prototype was changed",
    strayFiles(format),
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) return { kind: 'fault', what: faults.join('; '), ms };
  return { kind: isRefused ? 'error' : 'value', ms };
}

function faultOfError({ names }: OpenFormat, error: unknown): string | undefined {
  if (!(error instanceof LowrankError))
    return `not an error of ours: ${error instanceof Error ? error.stack?.slice(0, 1500) : String(error)}`;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (Reflect.get(cause, 'code') === 'ERR_ACCESS_DENIED') return `it tried to write: ${cause.message}`;
  }
  if (names.length > 0 && !names.some((name) => error.message.includes(name)))
    return `the message does not name the place: ${error.message.slice(0, 500)}`;
  return faultOfText('the message', error.message);
}

function faultOfText(what: string, text: string): string | undefined {
  if (text.trim() === '') return `${what} is empty`;
  if (text.length > LONGEST_MESSAGE) return `${what} has ${text.length} characters: ${text.slice(0, 200)}`;
  return UNPRINTABLE.test(text) ? `${what} is not printable: ${JSON.stringify(text.slice(0, 500))}` : undefined;
}

/** Where nothing is to be written, the folder holds what it held. */
function strayFiles({ folder, files }: OpenFormat): string | undefined {
  if (files === undefined) return undefined;
  const stray = listing(folder).filter((name) => !files.has(name));
  for (const name of stray) fs.rmSync(`${folder}/${name}`, { recursive: true, force: true });
  return stray.length > 0 ? `files were written: ${stray.slice(0, 5).join(', ')}` : undefined;
}
