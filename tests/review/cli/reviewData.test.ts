import fs from 'node:fs';
import nodePath from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { CommandArguments } from '../../../lib/lowrank/src/cli/arguments/commandArguments';
import { reviewData } from '../../../lib/review/src/cli/reviewData';
import { temporaryFolder } from '../../io/temporaryFolder';

const folder = temporaryFolder();
afterEach(() => vi.restoreAllMocks());

/** Three packages in which ESLint has something to say about every tenth line. */
function packages(): string {
  for (const name of ['a', 'b', 'c']) {
    const line = (i: number) => (i % 10 === 0 ? `export const ${name}${i} = one == ${i};` : `export const ${name}${i} = compute(${i});`);
    const text = Array.from({ length: 40 }, (_, i) => line(i)).join('\n');
    const own = folder(`node_modules/${name}`);
    fs.mkdirSync(own, { recursive: true });
    fs.writeFileSync(nodePath.join(own, 'package.json'), `{ "name": "${name}", "version": "1.0.0" }`);
    fs.writeFileSync(nodePath.join(own, 'index.js'), text);
  }
  return folder('node_modules');
}

test('while the lint reviews are made a terminal shows how far they are, and nothing once they are kept', async () => {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 2000)); // each look at the clock is two seconds later
  const written: string[] = [];
  const stderr = { isTTY: true, columns: 0, write: (text: string) => void written.push(text) };
  const streams = { stdin: process.stdin, stdout: { write: () => undefined }, stderr };
  const args = new CommandArguments({ summary: '', options: { data: { help: '' }, quiet: { help: '' } } }, []);
  const place = { nodeModules: packages(), cacheDir: folder('data') };
  const made = await reviewData(args, streams, place);
  expect(written[0]).toMatch(/reading packages: 1 of 3 · \d+ s left$/);
  expect(written.at(-1)).toBe('\r\u001b[K');
  written.length = 0;
  expect(await reviewData(args, streams, place)).toEqual(made);
  expect(written).toEqual([]);
});
