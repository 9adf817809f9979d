/** Checks counts that a caller passes. */
import { ArgumentError } from '../errors';
import { shown } from '../messages/shown';

/** @throws ArgumentError with the name when the value is not a whole number of at least `least`. */
export function checkWhole(name: string, value: number, least = 1): void {
  if (!Number.isSafeInteger(value) || value < least)
    throw new ArgumentError(`${name} ${shown(value)} is not a whole number from ${least} up`);
}
