import fs from 'node:fs';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { saveSmallAdapters, saveSmallModel } from '../review/cli/smallReviewer';
import { lowrank } from './run';

const folder = temporaryFolder();
const prompt = ['generate', 'let a', '--max-new-tokens', '1'];

beforeAll(async () => {
  await saveSmallModel(folder('model'));
  saveSmallAdapters(folder('adapters'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** Lets a second pass whenever anybody looks at the clock. */
function letTimeFly(): void {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 1000;
    return now;
  });
}

test('where no model is named, stderr says once which one is taken, and what chose it', async () => {
  vi.stubEnv('MODEL', folder('model'));
  for (const words of [prompt, ['info']]) {
    expect(await lowrank(words)).toMatchObject({ code: 0, stderr: `model: ${folder('model')} (from the environment variable MODEL)\n` });
  }
  expect((await lowrank([...prompt, '--quiet'])).stderr).toBe('');
  expect((await lowrank([...prompt, '--model', folder('model')])).stderr).toBe('');
  vi.stubEnv('MODEL', '');
  expect((await lowrank(['info'])).stderr).toMatch(/^model: \/.*\.gguf \(the default; choose another with --model\)\n$/);
});

test('loading, merging and writing a model are shown on a terminal, with the time left, and in a pipe', async () => {
  letTimeFly();
  const merge = ['merge', '--model', folder('model'), '--adapter', folder('adapters/comment'), '--output', folder('merged'), '--force'];
  const { code, stderr } = await lowrank(merge, '', { isTTY: true });
  expect(code).toBe(0);
  const lines = stderr.split('\r\u001b[K');
  for (const work of ['loading model', 'merging', 'writing']) {
    expect(lines.filter((line) => line.startsWith(`${work}: `)).join()).toMatch(/: (\d+ of 2|\d+ %) · \d+ s left(,|$)/);
  }
  expect(lines.at(-1)).toBe(''); // nothing of it stays
  expect((await lowrank(merge)).stderr).toMatch(/^loading model: \d+ % · \d+ s left\n/);
  expect((await lowrank([...merge, '--quiet'], '', { isTTY: true })).stderr).toBe('');
});

test('an evaluation counts its examples', async () => {
  letTimeFly();
  const reviews = Array.from({ length: 200 }, (_, i) => ({
    patch: `@@ -1,1 +1,1 @@\n+let a${i};`,
    y: 1,
    msg: `Rename a${i}.`,
    lang: 'js',
  }));
  fs.writeFileSync(folder('reviews.jsonl'), reviews.map((review) => JSON.stringify(review)).join('\n'));
  const words = ['eval', '--task', 'comment', '--data', folder('reviews.jsonl'), '--model', folder('model'), '--examples', '9'];
  const { code, stderr } = await lowrank([...words, '--batch-size', '3'], '', { isTTY: true });
  expect(code).toBe(0);
  expect(stderr).toMatch(/comment: 3 of 9 · \d+ (s|min) left\r.*comment: 6 of 9 · \d+ (s|min) left\r/);
});
