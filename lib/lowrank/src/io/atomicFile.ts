/** Writing files so that a crash, a full disk or a reader in between never meets half a file. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import nodePath from 'node:path';
import { StorageError } from '../runtime';
import { reasonOf } from '../runtime/reasonOf';

/** A file that is complete on the disk, under a temporary name beside its own. */
export interface StagedFile {
  /** Puts it in the place of the old one, if there is one. */
  commit(): void;
  /** Removes it; the old one stays. */
  discard(): void;
}

/**
 * Writes a file under a temporary name in the same folder, and syncs it; several can be staged before the first is committed.
 * When anything fails, the temporary file is removed.
 *
 * @throws StorageError when the disk refuses; whatever `write` throws passes through.
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
    syncFolder(folder);
  };
  return { commit, discard };
}

/**
 * Writes a file through a temporary one in the same folder: write, fsync, rename, fsync the folder. Until the rename the old
 * file stays as it is; when anything fails, the temporary one is removed.
 *
 * @throws StorageError when the disk refuses; whatever `write` throws passes through.
 */
export function writeFileAtomic(path: string, write: (append: (bytes: Uint8Array) => void) => void): void {
  stageFile(path, write).commit();
}

/** Writes text, such as a JSON document, as {@link writeFileAtomic} does. */
export function writeTextAtomic(path: string, text: string): void {
  writeFileAtomic(path, (append) => append(Buffer.from(text)));
}

function appendAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += fs.writeSync(descriptor, bytes, done, Math.min(bytes.byteLength - done, 2 ** 30));
  }
}

/** Makes the names in a folder, such as a rename into it, safe from a power cut. */
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
    throw new StorageError(`${path} cannot be written (${reasonOf(cause)}); check the folder, its permissions and the free space`, {
      cause,
    });
  }
}
