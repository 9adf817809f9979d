/** Reads lines of UTF-8 text from outside. */
import { byteLines } from './byteLines';

/** A line of a file, or the reason why it cannot be read. */
export type TextLine =
  | { readonly line: number; readonly text: string; readonly problem?: undefined }
  | { readonly line: number; readonly problem: string };

/** Limit on the length of a line. Some records contain whole source files, but none is this large. */
export const LARGEST_RECORD = 16 * 2 ** 20; // bytes

/** The lines of a UTF-8 text, numbered from 1, without their ends, a byte order mark, and blank lines. */
export async function* textLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<TextLine> {
  for await (const { line, bytes, size } of byteLines(chunks, LARGEST_RECORD)) {
    const read = size > LARGEST_RECORD ? '' : utf8Text(bytes);
    const text = line === 1 ? read?.replace(/^\uFEFF/, '') : read;
    if (size > LARGEST_RECORD) yield { line, problem: `a line of ${size} bytes exceeds the limit of ${LARGEST_RECORD}` };
    else if (text === undefined) yield { line, problem: 'not UTF-8 text' };
    else if (text.trim() !== '') yield { line, text: text.replace(/\r$/, '') };
  }
}

/** Decodes bytes as text; undefined when they are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
