/** Refuses a path that a command could not read or write, before it loads anything. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { UsageError } from '../usageError';

/** The kind of path that an option takes: a folder to read, or a folder or file to write, which need not exist yet. */
export type Place = 'folder' | 'output folder' | 'output file';

/** @throws UsageError with the option, the path, and what is in the way. */
export function checkPlace(name: string, path: string, place: Place): void {
  const refuse = (what: string): never => {
    throw new UsageError(`--${name} ${path}: ${what}`);
  };
  const kind = kindOf(path, refuse);
  if (place === 'folder') {
    if (kind !== 'folder') refuse(kind === undefined ? 'there is no such folder' : 'this is a file, not a folder');
    return;
  }
  if (place === 'output file' && kind === 'folder') refuse('this is a folder; give the name of a file');
  if (place === 'output folder' && kind === 'file') refuse('this is a file; give the name of a folder');
  let nearest = nodePath.resolve(path);
  while (kindOf(nearest, refuse) === undefined) nearest = nodePath.dirname(nearest);
  if (nearest !== nodePath.resolve(path) && kindOf(nearest, refuse) === 'file') refuse(`${nearest} is a file, not a folder`);
  try {
    fs.accessSync(nearest, fs.constants.W_OK);
  } catch (cause) {
    refuse(`${nearest} cannot be written (${cause instanceof Error && 'code' in cause ? cause.code : cause})`);
  }
}

function kindOf(path: string, refuse: (what: string) => never): 'file' | 'folder' | undefined {
  try {
    const status = fs.statSync(path, { throwIfNoEntry: false });
    return status && (status.isDirectory() ? 'folder' : 'file');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOTDIR') return undefined; // a parent is a file; the loop reaches it next
    return refuse(`this path cannot be followed (${code ?? cause})`);
  }
}
