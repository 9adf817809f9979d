/** Decodes bytes that a vocabulary spells as tokens such as `<0x0A>` or as letters, and signs for blanks, as Hugging Face's Rust library does. */
import type { JsonObject } from '../../io';
import { partsOfType } from './engineParts';

const encoder = new TextEncoder();
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

interface ByteLevel {
  readonly byte_decoder: Readonly<Record<string, number>>;
  readonly text_decoder: typeof utf8;
  convert_tokens_to_string(tokens: readonly string[]): string;
}

/** Corrects the decoder that makes blanks of Metaspace's signs: it takes a blank away in front of the first token, also where that was no sign. */
export function correctMetaspace(decoder: unknown, definition: unknown): void {
  for (const part of partsOfType<{ config: JsonObject; decode_chain: unknown }>(decoder, definition, 'Metaspace', 'decoders')) {
    const { replacement, prepend_scheme: scheme = 'always' } = part.config;
    part.decode_chain = (tokens: readonly string[]) =>
      tokens.map((token, index) => token.replaceAll(String(replacement ?? '▁'), index === 0 && scheme !== 'never' ? '' : ' '));
  }
}

/** Corrects the decoder of bytes spelled as letters, which makes zeros of a token with any other character; the Rust library keeps that token. */
export function correctByteLevel(decoder: unknown, definition: unknown): void {
  for (const part of partsOfType<ByteLevel>(decoder, definition, 'ByteLevel', 'decoders')) {
    const bytesOf = (token: string): Iterable<number> => {
      const bytes = Array.from(token, (letter) => part.byte_decoder[letter]);
      return bytes.every((byte) => byte !== undefined) ? bytes : encoder.encode(token);
    };
    part.convert_tokens_to_string = (tokens) => part.text_decoder.decode(Uint8Array.from(tokens.flatMap((token) => [...bytesOf(token)])));
  }
}
