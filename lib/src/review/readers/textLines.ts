/** Bytes to lines, however they are cut into chunks and however long a line pretends to be. */

/** A line of a file, or why it is none. */
export type TextLine =
  | { readonly line: number; readonly text: string; readonly problem?: undefined }
  | { readonly line: number; readonly problem: string };

/** Longer lines are left out: whole source files are in some records, but nothing of this size. */
export const LARGEST_RECORD = 16 * 2 ** 20; // bytes

const NEWLINE = 0x0a;

/** The lines of a UTF-8 text, numbered from 1, without their ends and without blank lines. */
export async function* textLines(bytes: AsyncIterable<Buffer>): AsyncGenerator<TextLine> {
  let line = 1;
  let parts: Buffer[] = [];
  let size = 0;
  const add = (part: Buffer) => {
    size += part.byteLength;
    if (size <= LARGEST_RECORD) parts.push(part);
    else parts = []; // it will be left out, so none of it is kept
  };
  const finish = () => {
    const result =
      size <= LARGEST_RECORD ? decoded(line, parts) : { line, problem: `a line of ${size} bytes; at most ${LARGEST_RECORD} are read` };
    line++;
    parts = [];
    size = 0;
    return result;
  };
  for await (const chunk of bytes) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      const finished = finish();
      if (finished) yield finished;
    }
    add(chunk.subarray(start));
  }
  const last = finish();
  if (last) yield last;
}

/** The text of some bytes; undefined where they are not UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function decoded(line: number, parts: readonly Buffer[]): TextLine | undefined {
  const text = utf8Text(Buffer.concat(parts));
  if (text === undefined) return { line, problem: 'this is not UTF-8 text' };
  return text.trim() === '' ? undefined : { line, text: text.replace(/\r$/, '') };
}
