/** The records of a file that is one JSON list, read without holding the file. */
import { FormatError } from 'lowrank';
import { LARGEST_RECORD, type TextLine, utf8Text } from 'lowrank/internal';

const [NEWLINE, QUOTE, COMMA, BACKSLASH] = [0x0a, 0x22, 0x2c, 0x5c];
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Whether a file begins as a list does. */
export function isJsonList(first: Uint8Array): boolean {
  return first[first.findIndex((byte) => !BLANKS.has(byte))] === 0x5b;
}

/**
 * The items of a list, as texts with the lines on which they begin. Each has the bound of a line of JSON.
 *
 * @throws FormatError when the list has no end, or text follows it.
 */
export async function* jsonListItems(file: string, chunks: AsyncIterable<Buffer>): AsyncGenerator<TextLine> {
  let line = 1;
  let depth = 0;
  let isInString = false;
  let isEscaped = false;
  let isClosed = false;
  let item = new Item();
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === NEWLINE) line++;
      if (isInString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isInString = false;
        continue;
      }
      if (BLANKS.has(byte)) continue;
      if (isClosed) throw new FormatError(`${file}:${line}: text follows the end of the JSON list`);
      if (depth === 1) item.line ??= line;
      if (byte === QUOTE) isInString = true;
      else if (OPENING.has(byte) && ++depth === 1) start = at + 1;
      else if (CLOSING.has(byte)) depth--;
      isClosed = depth === 0;
      if (isClosed && byte !== 0x5d) throw new FormatError(`${file}:${line}: the JSON list ends in ${String.fromCharCode(byte)}`);
      if (!isClosed && !(byte === COMMA && depth === 1)) continue;
      item.add(chunk.subarray(start, at));
      start = at + 1;
      const text = item.text();
      if (!isClosed || text.problem !== undefined || text.text.trim() !== '') yield text;
      item = new Item();
    }
    if (!isClosed) item.add(chunk.subarray(start));
  }
  if (!isClosed) throw new FormatError(`${file}:${line}: the JSON list has no end; the file may be truncated`);
}

/** Collects an item from its pieces, up to the limit. */
class Item {
  line: number | undefined;
  private readonly parts: Buffer[] = [];
  private size = 0;

  add(part: Buffer): void {
    if (this.size <= LARGEST_RECORD) this.parts.push(part.subarray(0, LARGEST_RECORD + 1 - this.size));
    this.size += part.byteLength;
  }

  text(): TextLine {
    const { line = 1, size } = this;
    if (size > LARGEST_RECORD) return { line, problem: `a record of ${size} bytes exceeds the limit of ${LARGEST_RECORD}` };
    const text = utf8Text(Buffer.concat(this.parts));
    return text === undefined ? { line, problem: 'not UTF-8 text' } : { line, text };
  }
}
