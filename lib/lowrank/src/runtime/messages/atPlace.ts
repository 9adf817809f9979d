/** Errors that know what is wrong, but not where it was read. */
import { LowrankError } from '../errors';
import { printableMessage } from './printable';

const LONGEST_PLACE = 500; // characters

/** Does work on what was read at a place; an error of ours that does not name the place is given it. */
export function atPlace<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const start = place.slice(0, LONGEST_PLACE); // of a longer one a message has room for no more
    if (error instanceof LowrankError && !error.message.includes(start)) error.message = printableMessage(`${start}: ${error.message}`);
    throw error;
  }
}
