import { existsSync, readFileSync } from 'node:fs';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';

const { browser } = JSON.parse(readFileSync('lib/lowrank/package.json', 'utf8')) as { browser: Record<string, string> };

const source = (path: string) => path.replace('./dist/', 'lib/lowrank/src/').replace(/js$/, 'ts');

test('everything that is exchanged for a browser is there, and what stands for it too', () => {
  for (const [given, taken] of Object.entries(browser)) {
    if (given.startsWith('./')) expect(existsSync(source(given)), given).toBe(true);
    expect(existsSync(source(taken)), taken).toBe(true);
  }
});

test('a bundler makes one script for a browser of the whole library, which asks for nothing of Node', async () => {
  const bundle = await rolldown({ input: 'lib/lowrank/dist/index.js', platform: 'browser', logLevel: 'silent' });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  await bundle.close();
  expect(output.map(({ fileName }) => fileName)).toEqual(['index.js']);
  const [script] = output;
  expect(script.imports).toEqual([]);
  expect(script.code).not.toMatch(/require\(["']node:/);
});
