/** The lines of a diff, which may hold files of any encoding. */
import { byteLines } from '../readers/byteLines';

const longestLine = 8000; // bytes; what is beyond is cut off: nobody reviews minified code

/** Lines as text; bytes that are not UTF-8 become U+FFFD, and the ends of very long lines are left out. */
export async function* diffTextLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const { bytes } of byteLines(chunks, longestLine)) yield decoder.decode(bytes);
}
