/** Checks values from callers that TypeScript may not have checked. */
import { ArgumentError } from '../errors';
import { shown } from '../messages/shown';

/** @throws ArgumentError with the name and the choices when the value is not one of them. */
export function checkOneOf(name: string, value: unknown, choices: readonly unknown[]): void {
  if (choices.includes(value)) return;
  throw new ArgumentError(`${name} ${shown(value)} is none of ${choices.map(shown).join(', ')}`);
}

/** @throws ArgumentError with the name when the value is not a finite number. */
export function checkNumber(name: string, value: unknown): void {
  if (typeof value === 'number' && Number.isFinite(value)) return;
  throw new ArgumentError(`${name} ${shown(value)} is not a finite number`);
}

/** @throws ArgumentError with the name when the value is not a string or a list of strings. */
export function checkNames(name: string, value: unknown): void {
  if (typeof value === 'string' || (Array.isArray(value) && value.every((item) => typeof item === 'string'))) return;
  throw new ArgumentError(`${name} ${shown(value)} is not a text or a list of texts`);
}
