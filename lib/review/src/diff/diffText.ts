/** Decodes the lines of a diff, which may contain files in any encoding. */
import { TextDecoder } from 'node:util';
import { ArgumentError, FormatError } from 'lowrank';
import { byteLines } from 'lowrank/internal';
import { expected } from './foreignText';

const longestLine = 8000; // bytes; the rest is dropped, because nobody reviews minified code
const endless = 2 ** 28; // bytes without a line end, as of /dev/zero

/**
 * The lines as text. Bytes that are not UTF-8 become U+FFFD, and very long lines are truncated. A diff in UTF-16 with a byte order mark,
 * as PowerShell writes it, is decoded.
 *
 * @throws FormatError when a line does not end within 256 MiB.
 */
export async function* diffTextLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const { bytes } of byteLines(inUtf8(chunks), longestLine, checkEnd)) yield decoder.decode(bytes);
}

function checkEnd(open: number): void {
  if (open > endless) throw new FormatError(`this input has a line of more than ${endless >> 20} MiB: ${expected}`);
}

async function* inUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let decoder: TextDecoder | undefined;
  let head: Buffer | undefined = Buffer.alloc(0); // until two bytes have arrived
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array)) throw new ArgumentError('a chunk of this diff is not an array of bytes');
    let bytes = chunk;
    if (head) {
      bytes = Buffer.concat([head, chunk]);
      head = bytes.byteLength < 2 ? bytes : undefined;
      if (head) continue;
      const mark = bytes.readUInt16BE(0);
      if (mark === 0xfffe || mark === 0xfeff) decoder = new TextDecoder(mark === 0xfffe ? 'utf-16le' : 'utf-16be');
    }
    yield decoder ? Buffer.from(decoder.decode(bytes, { stream: true })) : bytes;
  }
  if (head) yield head;
}
