/** Reports a folder that the disk refuses to write. */
import { StorageError } from '../runtime';
import { isFileFault } from './pathKind';

/**
 * Runs an action that writes to a folder.
 *
 * @param what - what the action writes, for the message
 * @throws StorageError with the folder when the disk refuses; other errors of the action pass through.
 */
export function storingIn<T>(folder: string, what: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof StorageError || !isFileFault(cause)) throw cause;
    throw new StorageError(`cannot write the ${what} to ${folder} (${cause.message}); check the folder and the free space`, { cause });
  }
}
