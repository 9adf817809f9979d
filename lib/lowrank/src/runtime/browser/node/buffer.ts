/** Replaces the part of node:buffer that reads and writes files: bytes, and the texts that they hold. */
import { UnsupportedError } from '../../errors';

/** As many characters as are made of bytes at once; more may be too many arguments. */
const CHUNK = 4096;

class Bytes extends Uint8Array {
  override toString(encoding = 'utf8', start = 0, end = this.length): string {
    const part = this.subarray(start, end);
    if (encoding === 'utf8') return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(part)); // Node keeps the mark, too
    if (encoding === 'latin1') return latin1(part);
    throw refused(encoding);
  }
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return text;
}

function refused(encoding: string): UnsupportedError {
  return new UnsupportedError(`text as ${encoding} is not there in a browser; run this in Node`);
}

/** The bytes of a text, of a list, or of a part of a buffer, which is shared. */
function from(value: string | ArrayLike<number> | ArrayBufferLike, offset?: number | string, length?: number): Bytes {
  if (typeof value === 'string') {
    if (offset !== undefined && offset !== 'utf8') throw refused(String(offset));
    return from(new TextEncoder().encode(value).buffer);
  }
  return value instanceof ArrayBuffer ? new Bytes(value, Number(offset ?? 0), length) : new Bytes(value as ArrayLike<number>);
}

/** The lists one after another, cut or filled with zeros to `length`. */
function concat(parts: readonly Uint8Array[], length = parts.reduce((sum, part) => sum + part.length, 0)): Bytes {
  const whole = new Bytes(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part.subarray(0, Math.max(0, length - at)), at);
    at += part.length;
  }
  return whole;
}

export const Buffer = {
  from,
  concat,
  alloc: (length: number): Bytes => new Bytes(length),
  byteLength: (text: string): number => new TextEncoder().encode(text).length,
};
