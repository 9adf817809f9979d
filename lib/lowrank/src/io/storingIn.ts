/** Folders that a disk may refuse to take. */
import { StorageError } from '../runtime';

/**
 * Does what writes to the folder.
 *
 * @param what - what is written there, for the message
 * @throws StorageError with the folder when the disk refuses; whatever else the action throws passes through.
 */
export function storingIn<T>(folder: string, what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof StorageError || !(cause instanceof Error && 'syscall' in cause)) throw cause;
    throw new StorageError(`no ${what} can be written to ${folder} (${cause.message}); check the folder and the free space`, { cause });
  }
}
