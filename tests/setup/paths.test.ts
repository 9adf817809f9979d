import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test("no test takes a URL's pathname for a path, which fails in a folder with a blank in its name", () => {
  const files = readdirSync('tests', { recursive: true, encoding: 'utf8' }).filter((file) => /\.m?ts$/.test(file));
  const faulty = files.filter((file) => /import\.meta\.url\)\s*\.pathname/.test(readFileSync(join('tests', file), 'utf8')));
  expect(files.length).toBeGreaterThan(100);
  expect(faulty).toEqual([]);
});
