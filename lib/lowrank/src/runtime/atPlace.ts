/** Errors that know what is wrong, but not where it was read. */
import { LowrankError } from './errors';
import { printableMessage } from './printable';

/** Does work on what was read at a place; an error of ours that does not name the place is given it. */
export function atPlace<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof LowrankError && !error.message.includes(place)) error.message = printableMessage(`${place}: ${error.message}`);
    throw error;
  }
}
