/** Adds the place to errors that do not name it. */
import { LowrankError } from '../errors';
import { printableMessage } from './printable';

const LONGEST_PLACE = 500; // characters

/** Does work on data that was read at a place; an error of ours that does not name the place gets it in front. */
export function atPlace<T>(place: unknown, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const start = String(place).slice(0, LONGEST_PLACE); // a message has no room for more
    if (error instanceof LowrankError && !error.message.includes(start)) error.message = printableMessage(`${start}: ${error.message}`);
    throw error;
  }
}
