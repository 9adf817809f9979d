/** Where the library's warnings go. */
import { printableMessage } from './printable';

/** Shows a warning on stderr. Its text may come from a file, so that a terminal's control characters are taken out. */
export function warn(message: string): void {
  console.warn(printableMessage(message));
}
