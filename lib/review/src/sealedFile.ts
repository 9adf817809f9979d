/** JSON with a checksum, for files in which an unnoticed change would alter a result. */
import nodePath from 'node:path';
import { FormatError } from 'lowrank';
import { type JsonObject, makeFolder, pathKind, readJsonFile, sha256, storingIn, writeTextAtomic } from 'lowrank/internal';

const LARGEST = 2 ** 28; // bytes; a cell contains the answers to a few hundred examples

/** Writes the file, with the folders above it. @throws StorageError when the disk refuses; an older file is unchanged. */
export function writeSealed(path: string, what: string, content: object): void {
  const folder = nodePath.dirname(path);
  storingIn(folder, what, () => {
    makeFolder(folder);
    writeTextAtomic(path, JSON.stringify({ ...content, sha256: sha256(JSON.stringify(content)) }));
  });
}

/**
 * The content of the file; undefined where there is none.
 *
 * @param options - `mayLackSum`: a file without a checksum is read too, as of an earlier version or written by hand
 * @throws FormatError with the remedy when it is damaged, or written by another version.
 */
export function readSealed(path: string, remedy: string, { mayLackSum = false } = {}): JsonObject | undefined {
  if (pathKind(path) === undefined) return undefined;
  const { sha256: sum, ...content } = readJson(path, remedy);
  if (sum === sha256(JSON.stringify(content)) || (mayLackSum && sum === undefined)) return content;
  const reason = sum === undefined ? 'has no checksum, so another version wrote it' : 'is damaged: its checksum does not fit';
  throw new FormatError(`${path} ${reason}; ${remedy}`);
}

function readJson(path: string, remedy: string): JsonObject {
  try {
    return readJsonFile(path, { largest: LARGEST, mostEntries: Number.POSITIVE_INFINITY });
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new FormatError(`${cause.message}; ${remedy}`, { cause });
  }
}
