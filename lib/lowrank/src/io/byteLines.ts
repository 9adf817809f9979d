/** Splits bytes into lines, with any chunk boundaries and any line length. */

/** A line of bytes without its line end. */
interface ByteLine {
  /** Counted from 1. */
  readonly line: number;
  /** Its bytes, up to the limit. */
  readonly bytes: Buffer;
  /** Length of the line in bytes. */
  readonly size: number;
}

const NEWLINE = 0x0a;

/**
 * The lines of a stream. Keeps at most `limit` bytes of each.
 *
 * @param onOpen - called with the bytes of a line that has not ended yet, after each chunk; may throw
 */
export async function* byteLines(chunks: AsyncIterable<Buffer>, limit: number, onOpen?: (size: number) => void): AsyncGenerator<ByteLine> {
  let line = 1;
  let parts: Buffer[] = [];
  let kept = 0;
  let size = 0;
  const add = (part: Buffer) => {
    size += part.byteLength;
    if (kept === limit) return;
    const room = part.subarray(0, limit - kept);
    parts.push(room);
    kept += room.byteLength;
  };
  const finish = (): ByteLine => {
    const finished = { line, bytes: Buffer.concat(parts), size };
    line++;
    parts = [];
    kept = 0;
    size = 0;
    return finished;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      yield finish();
    }
    add(chunk.subarray(start));
    onOpen?.(size);
  }
  if (size > 0) yield finish();
}
