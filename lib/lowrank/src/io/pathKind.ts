/** What a path leads to, and what Node's errors about it mean: the one place that turns them into words. */
import fs from 'node:fs';
import { FormatError } from '../runtime';

/**
 * What a path leads to, links followed; undefined when there is nothing.
 *
 * @throws FormatError when the path cannot be followed: no permission, too long, links in a circle, a NUL character.
 */
export function pathKind(path: string): 'file' | 'folder' | 'other' | undefined {
  try {
    const status = fs.statSync(path, { throwIfNoEntry: false });
    if (!status) return undefined;
    return status.isFile() ? 'file' : status.isDirectory() ? 'folder' : 'other';
  } catch (cause) {
    const shown = JSON.stringify(path)?.slice(0, 200) ?? String(path);
    throw new FormatError(`${shown} cannot be opened (${fileFault(cause)}); check the path`, { cause });
  }
}

/**
 * The names in a folder, sorted.
 *
 * @throws FormatError when it cannot be listed.
 */
export function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder).sort();
  } catch (cause) {
    throw new FormatError(`${folder} cannot be listed (${fileFault(cause)})`, { cause });
  }
}

const FAULTS: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied',
  EISDIR: 'this is a folder',
  ELOOP: 'its links lead round in a circle',
  EMFILE: 'too many files are open',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  ERR_INVALID_ARG_VALUE: 'the path holds a NUL character',
  ERR_INVALID_ARG_TYPE: 'the path is not a text',
};

/** What Node's error says of a file, with its code. */
export function fileFault(cause: unknown): string {
  if (!(cause instanceof Error && 'code' in cause)) return String(cause);
  const code = String(cause.code);
  const meaning = FAULTS[code];
  return meaning === undefined ? code : `${meaning}, ${code}`;
}
