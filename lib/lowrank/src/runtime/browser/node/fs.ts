/**
 * Replaces node:fs: files that are written are kept in the memory of the page, which offers them for download with
 * {@link keptFiles}, and read from there. A page has no others: reading these is refused.
 */
import { UnsupportedError } from '../../errors';
import { Buffer } from './buffer';
import nodePath from './path';
import { elseRefused } from './refusing';

/** The bytes of each file, as they were written; undefined for a folder. */
const entries = new Map<string, Uint8Array[] | undefined>([['', undefined]]);
const open = new Map<number, string>();
let lastDescriptor = 2;

/** The files that were written, by their paths. */
export function keptFiles(): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const [path, parts] of entries) if (parts) files.set(path, joined(parts));
  return files;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function refused(path: string): UnsupportedError {
  return new UnsupportedError(
    `${path} cannot be read: a page in a browser has no files but those that it has written. LlamaForCausalLM.fromConfig makes a small model`,
  );
}

function existsSync(path: string): boolean {
  return entries.has(nodePath.join(path));
}

function mkdirSync(path: string): void {
  entries.set(nodePath.join(path), undefined);
}

/** Opens a file for writing, or a folder. */
function openSync(path: string, flags: unknown): number {
  const place = nodePath.join(path);
  if (typeof flags === 'string' && flags.startsWith('w')) entries.set(place, []);
  else if (!entries.has(place)) throw refused(path);
  open.set(++lastDescriptor, place);
  return lastDescriptor;
}

function writeSync(descriptor: number, bytes: Uint8Array, offset: number, length: number): number {
  entries.get(open.get(descriptor) ?? '')?.push(bytes.slice(offset, offset + length));
  return length;
}

function closeSync(descriptor: number): void {
  open.delete(descriptor);
}

/** Renames a file. */
function renameSync(from: string, to: string): void {
  const source = nodePath.join(from);
  entries.set(nodePath.join(to), entries.get(source));
  entries.delete(source);
}

/** Removes a file, or a folder with all that is in it. */
function rmSync(path: string): void {
  const place = nodePath.join(path);
  for (const each of [...entries.keys()]) if (each === place || each.startsWith(`${place}/`)) entries.delete(each);
}

function lstatSync(path: string) {
  const place = nodePath.join(path);
  if (!entries.has(place)) throw refused(path);
  const isFile = entries.get(place) !== undefined;
  return { size: isFile ? bytesOf(path).length : 0, isFile: () => isFile, isDirectory: () => !isFile, isSymbolicLink: () => false };
}

/** The bytes of a file, or its text. */
function readFileSync(path: string, encoding?: string): Uint8Array | string {
  const bytes = Buffer.from(bytesOf(path));
  return encoding === undefined ? bytes : bytes.toString(encoding);
}

function bytesOf(path: string): Uint8Array {
  const place = nodePath.join(path);
  const parts = entries.get(place);
  if (!parts) throw refused(path);
  const whole = joined(parts);
  entries.set(place, [whole]); // joined once, and not at each reading
  return whole;
}

/** Reads bytes at a position of the file into `target`; returns the number of bytes read. */
function readSync(descriptor: number, target: Uint8Array, offset: number, length: number, position: number): number {
  const part = bytesOf(open.get(descriptor) ?? '').subarray(position, position + length);
  target.set(part, offset);
  return part.length;
}

function fstatSync(descriptor: number) {
  return lstatSync(open.get(descriptor) ?? '');
}

/** The names in a folder that was made here. */
function readdirSync(path: string): string[] {
  const place = nodePath.join(path);
  if (!entries.has(place)) throw refused(path);
  return [...entries.keys()].filter((each) => nodePath.dirname(each) === place).map(nodePath.basename);
}

export default elseRefused('fs', {
  constants: { O_RDONLY: 0, O_NONBLOCK: 0 },
  existsSync,
  mkdirSync,
  openSync,
  writeSync,
  readSync,
  fsyncSync: () => undefined,
  closeSync,
  renameSync,
  rmSync,
  statSync: lstatSync,
  lstatSync,
  fstatSync,
  readFileSync,
  readdirSync,
});
