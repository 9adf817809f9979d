/** The texts of a record. */
import { FormatError, type JsonObject } from 'lowrank';

/** A field of a record. @throws FormatError when it is missing, no text, or, unless it may be, empty. */
export function recordText(record: JsonObject, name: string, { mayBeEmpty = false } = {}): string {
  const value = record[name];
  if (typeof value !== 'string') throw new FormatError(`${name} is ${value === undefined ? 'missing' : 'not text'}`);
  if (!mayBeEmpty && value.trim() === '') throw new FormatError(`${name} is empty`);
  return value;
}
