/**
 * In place of node:fs: files that are written are kept in the memory of the page, which offers them for download with
 * {@link keptFiles}. A page has no others, so that reading is refused.
 */
import { UnsupportedError } from '../../errors';
import nodePath from './path';

/** The bytes of each file, as they were written; undefined for a folder. */
const entries = new Map<string, Uint8Array[] | undefined>();
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
  return new UnsupportedError(`${path} cannot be read: a page in a browser has no files. LlamaForCausalLM.fromConfig makes a small model`);
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
  return { isFile: () => isFile, isDirectory: () => !isFile, isSymbolicLink: () => false };
}

function readFileSync(path: string): string {
  const parts = entries.get(nodePath.join(path));
  if (!parts) throw refused(path);
  return new TextDecoder().decode(joined(parts));
}

function readSync(descriptor: number): never {
  throw refused(open.get(descriptor) ?? 'the file');
}

function fstatSync(descriptor: number) {
  return { ...lstatSync(open.get(descriptor) ?? ''), size: 0 };
}

/** The names in a folder that was made here. */
function readdirSync(path: string): string[] {
  const place = nodePath.join(path);
  if (!entries.has(place)) throw refused(path);
  return [...entries.keys()].filter((each) => nodePath.dirname(each) === place).map(nodePath.basename);
}

export default {
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
};
