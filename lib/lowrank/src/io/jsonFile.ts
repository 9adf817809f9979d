/** JSON documents from outside. */

import { reasonOf } from '../runtime/reasonOf';
import { BinaryFile, FileFormatError } from './binaryFile';

/** A JSON object as it came: nothing about its values is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How large a document may be. */
export interface JsonFileLimits {
  /** Bytes. */
  readonly largest: number;
  /** Lists and objects: small in the file, each of them takes some memory. @defaultValue 65,536 */
  readonly mostContainers?: number;
}

const DEEPEST = 64;

/**
 * Reads a JSON file whose outermost value is an object.
 *
 * @throws FileFormatError when there is no such file, it goes beyond the limits, or it is not JSON.
 */
export function readJsonFile(path: string, { largest, mostContainers = 65_536 }: JsonFileLimits): JsonObject {
  const file = new BinaryFile(path);
  if (file.size > largest) throw new FileFormatError(path, 0, `${file.size} bytes of JSON; at most ${largest} are expected here`);
  const bytes = file.read(0, file.size);
  checkStructure(path, bytes, mostContainers);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch (cause) {
    throw new FileFormatError(path, 0, `this is not valid JSON (${reasonOf(cause)})`, { cause });
  }
  if (!isJsonObject(value)) throw new FileFormatError(path, 0, 'this is JSON, but not an object');
  return value;
}

/** Counts brackets before anything is parsed, so that a small file cannot take much memory, nor nest so deeply that code over it fails. */
function checkStructure(path: string, bytes: Uint8Array, mostContainers: number): void {
  let depth = 0;
  let containers = 0;
  let isInString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (isInString) {
      if (byte === 0x5c)
        at++; // a backslash takes the next character with it
      else if (byte === 0x22) isInString = false;
    } else if (byte === 0x22) isInString = true;
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > DEEPEST) throw new FileFormatError(path, at, `the nesting is deeper than ${DEEPEST}`);
      if (++containers > mostContainers) throw new FileFormatError(path, at, `there are more than ${mostContainers} lists and objects`);
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
}
