/**
 * SentencePiece's table of replacements (`Precompiled` in tokenizer.json), as Hugging Face's Rust library applies it. The JavaScript library
 * leaves the table unread and takes NFKC for it.
 */
import { FormatError } from '../../../runtime';
import { partsOfType } from '../engineParts';

/** The part of the JavaScript library's normalizer that this file changes. */
interface Normalizer {
  readonly charsmap?: unknown;
  normalize?: (text: string) => string;
}

/** Makes the normalizer apply its own tables. @throws FormatError for a table that is damaged. */
export function applyPrecompiled(normalizer: unknown, definition: unknown): void {
  for (const part of partsOfType<Normalizer>(normalizer, definition, 'Precompiled', 'normalizers'))
    part.normalize = precompiled(part.charsmap);
}

const utf8 = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
/** In bytes; a longer cluster is looked up character by character. */
const LONGEST_CLUSTER = 5;

/**
 * Reads a table in base64: the size of a trie in bytes (uint32), the trie, and the replacements, each with a zero at its end.
 *
 * @throws FormatError for anything that is not such a table, or when its sizes do not fit
 */
export function precompiled(charsmap: unknown): (text: string) => string {
  const bytes = decoded(charsmap);
  const view = new DataView(bytes.buffer);
  const size = bytes.length < 4 ? 0 : view.getUint32(0, true);
  if (size === 0 || size % 4 !== 0 || 4 + size > bytes.length)
    throw new FormatError(`the "precompiled_charsmap" of a Precompiled normalizer is damaged: ${bytes.length} bytes, a trie of ${size}`);
  const units = Uint32Array.from({ length: size / 4 }, (_, index) => view.getUint32(4 + 4 * index, true));
  const replacements = bytes.subarray(4 + size);
  const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' }); // which takes 10 ms to make
  const replaced = (text: string): string | undefined => {
    const at = shortestMatch(units, utf8.encode(text));
    if (at === undefined) return undefined;
    const end = replacements.indexOf(0, at);
    return decoder.decode(replacements.subarray(at, end < 0 ? undefined : end));
  };
  return (text) => {
    let result = '';
    for (const { segment } of graphemes.segment(text)) {
      const whole = utf8.encode(segment).length <= LONGEST_CLUSTER ? replaced(segment) : undefined;
      result += whole ?? Array.from(segment, (character) => replaced(character) ?? character).join('');
    }
    return result;
  };
}

function decoded(charsmap: unknown): Uint8Array<ArrayBuffer> {
  try {
    if (typeof charsmap === 'string') return Uint8Array.from(atob(charsmap), (character) => character.charCodeAt(0));
  } catch {} // atob throws a DOMException
  throw new FormatError('the "precompiled_charsmap" of a Precompiled normalizer is not in base64');
}

/**
 * The value of the shortest key in a double-array trie that the bytes begin with. Each unit has the distance to its children, the byte that
 * leads to it, and whether a value follows (Darts-clone, as SentencePiece writes it).
 */
function shortestMatch(units: Uint32Array, key: Uint8Array): number | undefined {
  let node = offset(units[0] ?? 0);
  for (const byte of key) {
    if (byte === 0) return undefined;
    node ^= byte;
    const unit = units[node] ?? 0;
    if ((unit & 0x8000_00ff) !== byte) return undefined;
    node ^= offset(unit);
    if ((unit >>> 8) & 1) return (units[node] ?? 0) & 0x7fff_ffff;
  }
  return undefined;
}

function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}
