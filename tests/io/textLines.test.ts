import { Readable } from 'node:stream';
import { textLines } from 'lowrank/internal';
import { expect, test } from 'vitest';

async function read(text: string): Promise<unknown[]> {
  const lines: unknown[] = [];
  for await (const line of textLines(Readable.from([Buffer.from(text)], { objectMode: false }))) lines.push(line);
  return lines;
}

test('a byte order mark is no part of the first line, and stays where it is text', async () => {
  expect(await read('\uFEFF{"a":1}\r\n\uFEFFb')).toEqual([
    { line: 1, text: '{"a":1}' },
    { line: 2, text: '\uFEFFb' },
  ]);
  expect(await read('\uFEFF')).toEqual([]);
});
