/** Bytes that a vocabulary spells as tokens such as `<0x0A>`, read as Hugging Face's Rust library reads them. */

/** A part of the JavaScript library's decoder, as far as it is looked into here. */
interface Decoder {
  readonly decoders?: readonly unknown[];
  text_decoder?: unknown;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Corrects the decoder that the JavaScript library built: its `ByteFallback` drops a byte order mark, and makes fewer U+FFFD
 * of bytes that are no UTF-8 than the Rust one, which makes one of each.
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
