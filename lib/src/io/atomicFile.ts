/** Writing files so that a crash, a full disk or a reader in between never meets half a file. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import nodePath from 'node:path';
import { StorageError } from '../runtime';

/**
 * Writes a file through a temporary one in the same folder: write, fsync, rename, fsync the folder. Until the rename the old
 * file stays as it is; when anything fails, the temporary one is removed.
 *
 * @throws StorageError when the disk refuses; whatever `write` throws passes through.
 */
export function writeFileAtomic(path: string, write: (append: (bytes: Uint8Array) => void) => void): void {
  const folder = nodePath.dirname(path);
  const temporary = nodePath.join(folder, `.${nodePath.basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const descriptor = storing(path, () => fs.openSync(temporary, 'wx'));
  try {
    try {
      write((bytes) => storing(path, () => appendAll(descriptor, bytes)));
      storing(path, () => fs.fsyncSync(descriptor));
    } finally {
      fs.closeSync(descriptor);
    }
    storing(path, () => fs.renameSync(temporary, path));
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(folder);
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
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StorageError(`${path} cannot be written (${reason}); check the folder, its permissions and the free space`, { cause });
  }
}
