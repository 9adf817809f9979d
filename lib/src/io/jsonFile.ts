/** JSON documents from outside. */

import { reasonOf } from '../runtime/reasonOf';
import { BinaryFile, FileFormatError } from './binaryFile';

/** A JSON object as it came: nothing about its values is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads a JSON file whose outermost value is an object.
 *
 * @throws FileFormatError when there is no such file, it is larger than `largest` bytes, or it is not JSON.
 */
export function readJsonFile(path: string, { largest }: { readonly largest: number }): JsonObject {
  const file = new BinaryFile(path);
  if (file.size > largest) throw new FileFormatError(path, 0, `${file.size} bytes of JSON; at most ${largest} are expected here`);
  const text = Buffer.from(file.read(0, file.size)).toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FileFormatError(path, 0, `this is not valid JSON (${reasonOf(cause)})`, { cause });
  }
  if (!isJsonObject(value)) throw new FileFormatError(path, 0, 'this is JSON, but not an object');
  return value;
}
