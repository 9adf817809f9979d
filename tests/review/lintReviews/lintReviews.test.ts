import fs from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { AbortedError, ArgumentError, StateError } from 'lowrank';
import { lintReviews, type ReviewExample, type ReviewSplits } from 'lowrank-review';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { normalizedHunk } from '../../../lib/review/src/lintReviews/splitByPackage';

const parts = ['train', 'validation', 'test'] as const;
const all = (splits: ReviewSplits): ReviewExample[] => parts.flatMap((part) => splits[part]);

/** A file in which line 12 breaks `no-var`, line 24 `eqeqeq`, and which is like no other with another number. */
function source(number: number): string {
  const filler = (from: number) =>
    Array.from({ length: 11 }, (_, i) => `export const value${from + i} = compute${number}(${from + i}, 'a');`);
  return [
    ...filler(100),
    `export const total${number} = (n) => { var sum = n + ${number}; return sum * sum; };`,
    ...filler(200),
    `export const same${number} = value100 == value101;`,
    ...filler(300),
    '',
  ].join('\n');
}

describe('lintReviews on made-up packages', () => {
  let nodeModules: string;
  let cacheDir: string;

  async function install(name: string, files: Readonly<Record<string, string>>): Promise<void> {
    for (const [file, text] of Object.entries({ 'package.json': `{ "name": "${name}", "version": "1.2.3" }`, ...files })) {
      await mkdir(path.dirname(path.join(nodeModules, name, file)), { recursive: true });
      await writeFile(path.join(nodeModules, name, file), text);
    }
  }

  beforeAll(async () => {
    const root = await mkdtemp(path.join(os.tmpdir(), 'lint-reviews-'));
    nodeModules = path.join(root, 'node_modules');
    cacheDir = path.join(root, 'data');
    for (let i = 0; i < 30; i++) await install(i % 3 === 0 ? `@scope/p${i}` : `p${i}`, { 'index.js': source(i) });
    await install('copy', { 'lib/again.js': source(0) });
    await install('odd', {
      'dist/built.js': source(50),
      'small.js': 'var a;',
      'minified.js': `${source(51)}${'x'.repeat(400)};`,
      'generated.js': `// @generated\n${source(52)}`,
      'broken.js': `${source(53)}\nthis is no JavaScript`,
      'separator.js': `${source(54)}// \u2028`,
      'windows.js': source(55).replaceAll('\n', '\r\n'),
    });
  });

  afterAll(() => rm(path.dirname(nodeModules), { recursive: true }));

  test('finds what is wrong, says it, and fixes it where ESLint can', async () => {
    const examples = all(await lintReviews({ nodeModules, cacheDir }));
    const found = examples.find(({ id }) => id.startsWith('p1@1.2.3/index.js') && id.endsWith('no-var'));
    expect(found).toMatchObject({
      source: 'lint',
      language: 'javascript',
      needsReview: true,
      comment: 'Unexpected var, use let or const instead.',
    });
    expect(found?.origin).toMatchObject({ package: 'p1', version: '1.2.3', file: 'index.js', rule: 'no-var' });
    expect(found?.patch).toMatch(/^@@ -\d+,\d+ \+\d+,\d+ @@\n/);
    expect(found?.patch?.split('\n')).toContain('+export const total1 = (n) => { var sum = n + 1; return sum * sum; };');
    expect(found?.refinedCode).toBe(found?.code?.replace('var sum', 'let sum'));
    const compared = examples.find(({ origin }) => origin?.rule === 'eqeqeq');
    expect(compared?.comment).toBe("Expected '===' and instead saw '=='.");
    expect(compared?.refinedCode).toBeUndefined(); // not fixed by itself: it may change what the code does
  });

  test('reads only the packages that lint-packages.json names, and refuses one that is missing or has another version', async () => {
    const listed = path.join(path.dirname(nodeModules), 'listed');
    await mkdir(listed);
    const list = (packages: object) => writeFile(path.join(listed, 'lint-packages.json'), JSON.stringify(packages));
    await list({ p1: '1.2.3', p2: '1.2.3' });
    const examples = all(await lintReviews({ nodeModules, cacheDir: listed }));
    expect(new Set(examples.map(({ origin }) => origin?.package))).toEqual(new Set(['p1', 'p2']));
    await list({ p1: '1.2.3', p2: '1.2.4' });
    await expect(lintReviews({ nodeModules, cacheDir: listed })).rejects.toThrow(/names p2 1\.2\.4, which has version 1\.2\.3: run npm ci/);
    await list({ p99: '1.0.0' });
    await expect(lintReviews({ nodeModules, cacheDir: listed })).rejects.toThrow(StateError);
  });

  test('reads only code that a person wrote, and a copy only once', async () => {
    const examples = all(await lintReviews({ nodeModules, cacheDir }));
    const files = new Set(examples.map(({ origin }) => `${origin?.package}/${origin?.file}`));
    expect([...files].filter((file) => file.startsWith('odd/'))).toEqual(['odd/windows.js']);
    expect(files.has('copy/lib/again.js') !== files.has('@scope/p0/index.js')).toBe(true);
    expect(examples.some(({ patch }) => patch?.includes('\r'))).toBe(false);
  });

  test('is made once and then read, with the same result', async () => {
    const reports: number[] = [];
    const settings = {
      nodeModules,
      cacheDir,
      seed: 7,
      onProgress: ({ packagesDone }: { packagesDone: number }) => void reports.push(packagesDone),
    };
    const made = await lintReviews(settings);
    expect(reports).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
    expect(await lintReviews(settings)).toEqual(made);
    expect(reports.length).toBe(32);
  });

  test('gives the same examples wherever it is, and others for another seed', async () => {
    const elsewhere = await lintReviews({ nodeModules, cacheDir: `${cacheDir}-2` });
    expect(elsewhere).toEqual(await lintReviews({ nodeModules, cacheDir }));
    expect(elsewhere).not.toEqual(await lintReviews({ nodeModules, cacheDir, seed: 2 }));
  });

  test.each<[string, (file: (name: string) => string) => Promise<void>]>([
    ['cut off in a line', (file) => writeFile(file('test.jsonl'), '{"id": ')],
    [
      'cut off at the end of a line',
      async (file) => {
        const lines = (await readFile(file('train.jsonl'), 'utf8')).split('\n');
        await writeFile(
          file('train.jsonl'),
          lines
            .slice(0, lines.length / 2)
            .map((line) => `${line}\n`)
            .join(''),
        );
      },
    ],
    ['missing in part', (file) => rm(file('train.jsonl'))],
    ['kept without checksums', (file) => rm(file('sha256.json'))],
  ])('is made again, with a word, when what was kept is %s', async (_, damage) => {
    const folder = `${cacheDir}-3`;
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const made = await lintReviews({ nodeModules, cacheDir: folder });
    const [kept = ''] = await readdir(folder);
    expect(warned).not.toHaveBeenCalled();
    await damage((name) => path.join(folder, kept, name));
    expect(await lintReviews({ nodeModules, cacheDir: folder })).toEqual(made);
    expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/lint-reviews-\w+ are damaged \(.*\) and will be made again$/));
    expect(await lintReviews({ nodeModules, cacheDir: folder })).toEqual(made);
    expect(warned).toHaveBeenCalledTimes(1);
    expect(await readdir(folder)).toEqual([kept]);
    warned.mockRestore();
  });

  test('is given all the same where the disk is full or the folder cannot be made, with a word and without remains', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const folder = `${cacheDir}-5`;
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const write = vi.spyOn(fs.promises, 'writeFile').mockRejectedValue(full);
    const made = await lintReviews({ nodeModules, cacheDir: folder });
    write.mockRestore();
    expect(warned.mock.calls.join()).toMatch(/cannot be saved in .*-5\/lint-reviews-\w+ \(ENOSPC.*\), so each run makes them again/);
    expect(await readdir(folder)).toEqual([]);
    expect(await lintReviews({ nodeModules, cacheDir: '/dev/full/data' })).toEqual(made);
    expect(warned.mock.calls.join()).toMatch(/cannot be saved in \/dev\/full\/data/);
    warned.mockRestore();
  });

  test('is made anew by another version of ESLint, though that is none of the packages read', async () => {
    const eslint = createRequire(import.meta.url)('eslint/package.json') as { version: string };
    const { version } = eslint;
    await lintReviews({ nodeModules, cacheDir: `${cacheDir}-6` });
    eslint.version = '0.0.0';
    await lintReviews({ nodeModules, cacheDir: `${cacheDir}-6` });
    eslint.version = version;
    expect(await readdir(`${cacheDir}-6`)).toHaveLength(2);
  });

  test('caps each rule', async () => {
    const { train } = await lintReviews({ nodeModules, cacheDir, maxPerRule: 3 });
    expect(train.filter(({ origin }) => origin?.rule === 'no-var').length).toBe(3);
    expect(new Set(train.filter(({ origin }) => origin?.rule === 'no-var').map(({ origin }) => origin?.package)).size).toBe(3);
  });

  test('stops when told to, and keeps nothing', async () => {
    const folder = `${cacheDir}-4`;
    await expect(lintReviews({ nodeModules, cacheDir: folder, signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
    await expect(readdir(folder)).rejects.toThrow();
  });

  test('refuses limits that are none and folders without code', async () => {
    await expect(lintReviews({ nodeModules, cacheDir, maxPerRule: 0 })).rejects.toThrow(/maxPerRule 0/);
    await expect(lintReviews({ nodeModules, cacheDir, seed: 1.5 })).rejects.toThrow(ArgumentError);
    const empty = await mkdtemp(path.join(path.dirname(nodeModules), 'empty-'));
    await expect(lintReviews({ nodeModules: empty, cacheDir })).rejects.toThrow(StateError);
    await expect(lintReviews({ nodeModules: path.join(empty, 'none'), cacheDir })).rejects.toThrow(StateError);
  });
});

describe('lintReviews on the packages installed here', () => {
  let splits: ReviewSplits;

  beforeAll(async () => {
    splits = await lintReviews();
  }, 120_000);

  test('is large enough to train and to measure on', () => {
    expect(splits.train.length).toBeGreaterThan(5000);
    expect(splits.validation.length).toBeGreaterThan(500);
    expect(splits.test.length).toBeGreaterThan(500);
    expect(splits.train.filter(({ refinedCode }) => refinedCode !== undefined).length).toBeGreaterThan(1500);
    expect(new Set(splits.train.map(({ origin }) => origin?.rule)).size).toBeGreaterThan(50);
  });

  test('has no package and no hunk in two parts, and no example twice', () => {
    const packages = parts.map((part) => new Set(splits[part].map(({ origin }) => origin?.package)));
    expect(new Set(packages.flatMap((names) => [...names])).size).toBe(packages.reduce((sum, names) => sum + names.size, 0));
    const examples = all(splits);
    expect(new Set(examples.map(normalizedHunk)).size).toBe(examples.length);
    expect(new Set(examples.map(({ id }) => id)).size).toBe(examples.length);
  });

  test('lets no rule dominate', () => {
    for (const [part, limit] of [
      ['train', 300],
      ['validation', 30],
      ['test', 30],
    ] as const) {
      const counts = new Map<string, number>();
      for (const { origin } of splits[part]) if (origin?.rule) counts.set(origin.rule, (counts.get(origin.rule) ?? 0) + 1);
      expect(Math.max(...counts.values())).toBeLessThanOrEqual(limit);
    }
  });

  test('has patches that git would accept, with the code as their new side', () => {
    for (const { patch = '', code, needsReview, comment, refinedCode } of all(splits)) {
      const [header = '', ...lines] = patch.split('\n');
      const [, oldCount, newCount] = (/^@@ -\d+,(\d+) \+\d+,(\d+) @@$/.exec(header) ?? []).map(Number);
      expect(lines.filter((line) => line.startsWith(' ')).length).toBe(oldCount);
      expect(lines.length).toBe(newCount);
      expect(lines.every((line) => /^[ +]/.test(line))).toBe(true);
      expect(lines.map((line) => line.slice(1)).join('\n')).toBe(code);
      expect(comment !== undefined).toBe(needsReview);
      expect(refinedCode).not.toBe(code);
    }
  });

  test('holds no path of this machine', () => {
    expect(JSON.stringify(splits).includes(process.cwd())).toBe(false);
  });
});
