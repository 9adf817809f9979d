/** Lines of UTF-8 text from outside. */
import { byteLines } from './byteLines';

/** A line of a file, or why it is none. */
export type TextLine =
  | { readonly line: number; readonly text: string; readonly problem?: undefined }
  | { readonly line: number; readonly problem: string };

/** Longer lines are left out: whole source files are in some records, but nothing of this size. */
export const LARGEST_RECORD = 16 * 2 ** 20; // bytes

/** The lines of a UTF-8 text, numbered from 1, without their ends and without blank lines. */
export async function* textLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<TextLine> {
  for await (const { line, bytes, size } of byteLines(chunks, LARGEST_RECORD)) {
    const text = size > LARGEST_RECORD ? '' : utf8Text(bytes);
    if (size > LARGEST_RECORD) yield { line, problem: `a line of ${size} bytes; at most ${LARGEST_RECORD} are read` };
    else if (text === undefined) yield { line, problem: 'this is not UTF-8 text' };
    else if (text.trim() !== '') yield { line, text: text.replace(/\r$/, '') };
  }
}

/** The text of some bytes; undefined where they are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
