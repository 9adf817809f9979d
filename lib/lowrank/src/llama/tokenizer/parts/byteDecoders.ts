/** Decodes bytes that a vocabulary spells as tokens such as `<0x0A>` or as letters, and signs for blanks, as Hugging Face's Rust library does. */
import type { JsonObject } from '../../../io';
import { partsOfType } from '../engineParts';

const encoder = new TextEncoder();
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

interface Decoder {
  decode_chain: (tokens: readonly string[]) => string[];
}

/**
 * Corrects the decoder of the JavaScript library. Its `ByteFallback` drops a byte order mark, and makes fewer U+FFFD from invalid UTF-8
 * than the Rust library, which makes one per byte, each a token.
 */
export function correctByteFallback(decoder: unknown, definition: unknown): void {
  for (const part of partsOfType<Decoder>(decoder, definition, 'ByteFallback', 'decoders')) part.decode_chain = decodeBytes;
}

function decodeBytes(tokens: readonly string[]): string[] {
  const decoded: string[] = [];
  let bytes: number[] = [];
  for (const token of [...tokens, '']) {
    const [, digits] = /^<0x([0-9A-Fa-f]{2})>$/.exec(token) ?? [];
    if (digits !== undefined) {
      bytes.push(Number.parseInt(digits, 16));
      continue;
    }
    if (bytes.length > 0) for (const text of textOf(bytes)) decoded.push(text);
    bytes = [];
    decoded.push(token);
  }
  return decoded.slice(0, -1);
}

function textOf(bytes: readonly number[]): string[] {
  try {
    return [utf8.decode(Uint8Array.from(bytes))];
  } catch {
    return bytes.map(() => '\uFFFD');
  }
}

interface ByteLevel extends Decoder {
  readonly byte_decoder: Readonly<Record<string, number>>;
  readonly text_decoder: typeof utf8;
}

/** Corrects the decoder that makes blanks of Metaspace's signs: it takes a blank away in front of the first token, also where that was no sign. */
export function correctMetaspace(decoder: unknown, definition: unknown): void {
  for (const part of partsOfType<Decoder & { config: JsonObject }>(decoder, definition, 'Metaspace', 'decoders')) {
    const { replacement, prepend_scheme: scheme = 'always' } = part.config;
    part.decode_chain = (tokens) =>
      tokens.map((token, index) => token.replaceAll(String(replacement ?? '▁'), index === 0 && scheme !== 'never' ? '' : ' '));
  }
}

/** A `$` in what the decoder Replace writes means nothing there, and a match to JavaScript. */
export function escapeReplacements(decoder: unknown, definition: unknown): void {
  for (const part of partsOfType<{ config: JsonObject }>(decoder, definition, 'Replace', 'decoders')) {
    part.config = { ...part.config, content: String(part.config.content ?? '').replaceAll('$', '$$$$') };
  }
}

/**
 * Corrects the decoder of bytes spelled as letters. It makes zeros of a token with any other character, which the Rust library keeps, and it
 * leaves added tokens as they are.
 */
export function correctByteLevel(decoder: unknown, definition: unknown): void {
  for (const part of partsOfType<ByteLevel>(decoder, definition, 'ByteLevel', 'decoders')) {
    const bytesOf = (token: string): Iterable<number> => {
      const bytes = Array.from(token, (letter) => part.byte_decoder[letter]);
      return bytes.every((byte) => byte !== undefined) ? bytes : encoder.encode(token);
    };
    part.decode_chain = (tokens) => [part.text_decoder.decode(Uint8Array.from(tokens.flatMap((token) => [...bytesOf(token)])))];
  }
}
