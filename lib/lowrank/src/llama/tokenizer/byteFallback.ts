/** Decodes bytes that a vocabulary spells as tokens such as `<0x0A>`, as Hugging Face's Rust library does. */

import { partsOfType } from './engineParts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Corrects the decoder of the JavaScript library. Its `ByteFallback` drops a byte order mark, and makes fewer U+FFFD from invalid UTF-8
 * than the Rust library, which makes one per byte.
 */
export function correctByteFallback(decoder: unknown, definition: unknown): void {
  for (const part of partsOfType<{ text_decoder?: unknown }>(decoder, definition, 'ByteFallback', 'decoders')) {
    part.text_decoder = { decode: decodeBytes };
  }
}

function decodeBytes(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return '\uFFFD'.repeat(bytes.length);
  }
}
