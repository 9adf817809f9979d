/** Reads JSON documents from outside. */
import { Buffer } from 'node:buffer';

import { reasonOf } from '../runtime/messages/reasonOf';
import { BinaryFile, FileFormatError } from './binaryFile';

/** A JSON object whose values are not yet checked. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fields that are not null. */
export function withoutNull(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}

/** Limits on the size of a document. */
interface JsonFileLimits {
  /** In bytes. */
  readonly largest: number;
  /** Maximum number of lists, objects and what is in them; each is small in the file but takes memory. @defaultValue 131,072 */
  readonly mostEntries?: number;
}

const DEEPEST = 64;

/**
 * Reads a JSON file with an object at the top level.
 *
 * @throws FileFormatError when the file does not exist, exceeds the limits, or is not JSON.
 */
export function readJsonFile(path: string, { largest, mostEntries = 2 ** 17 }: JsonFileLimits): JsonObject {
  const file = new BinaryFile(path);
  if (file.size > largest) throw new FileFormatError(path, 0, `${file.size} bytes of JSON exceed the limit of ${largest}`);
  const bytes = file.read(0, file.size);
  checkStructure(path, bytes, mostEntries);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch (cause) {
    throw new FileFormatError(path, 0, `not valid JSON (${reasonOf(cause)})`, { cause });
  }
  if (!isJsonObject(value)) throw new FileFormatError(path, 0, 'valid JSON, but not an object');
  return value;
}

/** Counts brackets and commas before parsing: a small file can then neither take much memory nor nest too deeply for later code. */
function checkStructure(path: string, bytes: Uint8Array, mostEntries: number): void {
  let depth = 0;
  let entries = 0;
  let isInString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isInString) {
      if (byte === 0x5c)
        at++; // a backslash escapes the next character
      else if (byte === 0x22) isInString = false;
      continue;
    }
    if (byte === 0x22) isInString = true;
    const isOpening = byte === 0x5b || byte === 0x7b;
    if (isOpening && ++depth > DEEPEST) throw new FileFormatError(path, at, `the nesting is deeper than ${DEEPEST}`);
    if ((isOpening || byte === 0x2c) && ++entries > mostEntries)
      throw new FileFormatError(path, at, `there are more than ${mostEntries} lists, objects and entries in them`);
    if (byte === 0x5d || byte === 0x7d) depth--;
  }
}
