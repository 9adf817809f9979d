/** Writes files atomically: neither a crash, a full disk nor a concurrent reader ever sees half a file. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import nodePath from 'node:path';
import { StorageError } from '../runtime';
import { reasonOf } from '../runtime/messages/reasonOf';

/** A complete file on disk, under a temporary name beside the final one. */
export interface StagedFile {
  /** Renames the file to its final name, replacing any old one. */
  commit(): void;
  /** Removes the file and keeps the old one. */
  discard(): void;
}

/**
 * Writes and syncs a file under a temporary name in the same folder. Several files can be staged before the first is committed. On any
 * failure, the temporary file is removed.
 *
 * @throws StorageError when the disk refuses; errors of `write` pass through.
 */
export function stageFile(path: string, write: (append: (bytes: Uint8Array) => void) => void): StagedFile {
  const folder = nodePath.dirname(path);
  const temporary = nodePath.join(folder, `.${nodePath.basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const discard = () => fs.rmSync(temporary, { force: true });
  const descriptor = storing(path, () => fs.openSync(temporary, 'wx'));
  try {
    try {
      write((bytes) => storing(path, () => appendAll(descriptor, bytes)));
      storing(path, () => fs.fsyncSync(descriptor));
    } finally {
      fs.closeSync(descriptor);
    }
  } catch (error) {
    discard();
    throw error;
  }
  const commit = () => {
    try {
      storing(path, () => fs.renameSync(temporary, path));
    } catch (error) {
      discard();
      throw error;
    }
    storing(path, () => syncFolder(folder));
  };
  return { commit, discard };
}

/**
 * Writes a file through a temporary one in the same folder: write, fsync, rename, fsync the folder. The old file stays unchanged until
 * the rename. On any failure, the temporary file is removed.
 *
 * @throws StorageError when the disk refuses; errors of `write` pass through.
 */
export function writeFileAtomic(path: string, write: (append: (bytes: Uint8Array) => void) => void): void {
  stageFile(path, write).commit();
}

/** Writes text, such as a JSON document, like {@link writeFileAtomic}. */
export function writeTextAtomic(path: string, text: string): void {
  writeFileAtomic(path, (append) => append(new TextEncoder().encode(text)));
}

function appendAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength; ) done += fs.writeSync(descriptor, bytes, done, Math.min(bytes.byteLength - done, 2 ** 30));
}

/** Syncs the names in a folder, for example after a rename, so that they survive a power cut. */
export function syncFolder(folder: string): void {
  const descriptor = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(descriptor);
  } finally {
    fs.closeSync(descriptor);
  }
}

function storing<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new StorageError(`cannot write ${path} (${reasonOf(cause)}); check the folder, its permissions and the free space`, {
      cause,
    });
  }
}
