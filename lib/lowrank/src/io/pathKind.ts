/** The kind of a path, and the only words for Node's file errors. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { FormatError, LowrankError } from '../runtime';

/**
 * The kind of file at a path, after following links; undefined if nothing is there.
 *
 * @throws FormatError when the path cannot be followed: no permission, a name too long, circular links, a NUL character.
 */
export function pathKind(path: string): 'file' | 'folder' | 'other' | undefined {
  try {
    const status = fs.statSync(path, { throwIfNoEntry: false });
    if (!status) return undefined;
    return status.isFile() ? 'file' : status.isDirectory() ? 'folder' : 'other';
  } catch (cause) {
    const shown = JSON.stringify(path)?.slice(0, 200) ?? String(path);
    throw new FormatError(`cannot open ${shown} (${fileFault(cause)}); check the path`, { cause });
  }
}

/**
 * Makes a folder, with those above it, where there is none. Node's own way to do so never ends where the system makes no folder, as in
 * `/proc`, and no signal stops it.
 */
export function makeFolder(path: string): void {
  try {
    fs.mkdirSync(path);
  } catch (cause) {
    if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    const parent = nodePath.dirname(path);
    if (!isCode(cause, 'ENOENT') || fs.existsSync(parent)) throw cause;
    makeFolder(parent);
    fs.mkdirSync(path);
  }
}

/** The names in a folder, sorted. @throws FormatError when it cannot be listed. */
export function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).sort();
  } catch (cause) {
    throw new FormatError(`cannot list ${folder} (${fileFault(cause)})`, { cause });
  }
}

const FAULTS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ELOOP: 'its links form a circle',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'part of the path is a file, not a folder',
  ERR_INVALID_ARG_VALUE: 'the path contains a NUL character',
  ERR_INVALID_ARG_TYPE: 'the path is not a string',
};

/** Whether it is Node's error with this code, such as `ENOENT`. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Whether it is an error of Node about a file or its path. */
export function isFileFault(cause: unknown): cause is Error {
  if (!(cause instanceof Error)) return false;
  return 'syscall' in cause || ('code' in cause && String(cause.code).startsWith('ERR_INVALID_ARG_'));
}

/** Words for Node's error about a file, with its code; an error of this library has words of its own. */
export function fileFault(cause: unknown): string {
  if (cause instanceof LowrankError) return cause.message;
  if (!(cause instanceof Error && 'code' in cause)) return String(cause);
  const code = String(cause.code);
  const meaning = FAULTS[code];
  return meaning === undefined ? code : `${meaning}, ${code}`;
}
