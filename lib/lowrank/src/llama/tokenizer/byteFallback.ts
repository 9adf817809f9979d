/** Decodes bytes that a vocabulary spells as tokens such as `<0x0A>`, as Hugging Face's Rust library does. */

/** The part of the JavaScript library's decoder that this file inspects. */
interface Decoder {
  readonly decoders?: readonly unknown[];
  text_decoder?: unknown;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Corrects the decoder of the JavaScript library. Its `ByteFallback` drops a byte order mark, and makes fewer U+FFFD from invalid UTF-8
 * than the Rust library, which makes one per byte.
 */
export function correctByteFallback(decoder: unknown, definition: unknown): void {
  const { decoders } = (decoder ?? {}) as Decoder;
  const { type, decoders: definitions } = (definition ?? {}) as { readonly type?: unknown; readonly decoders?: readonly unknown[] };
  if (type === 'ByteFallback') (decoder as Decoder).text_decoder = { decode: decodeBytes };
  for (const [index, part] of (decoders ?? []).entries()) correctByteFallback(part, definitions?.[index]);
}

function decodeBytes(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return '\uFFFD'.repeat(bytes.length);
  }
}
