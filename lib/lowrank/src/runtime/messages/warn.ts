/** The library's warnings. */
import { printableMessage } from './printable';

/** Writes a warning to stderr, without control characters: its text may come from a file. */
export function warn(message: string): void {
  console.warn(printableMessage(message));
}
