import fs from 'node:fs';
import path from 'node:path';
import { AbortedError, ArgumentError, FormatError } from 'lowrank';
import { isExampleOf, lintReviews, loadReviewData } from 'lowrank-review';
import { expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';
import { storedZip } from './storedZip';

const folder = temporaryFolder();

function write(name: string, from: number, count: number): string {
  const place = folder(name);
  fs.mkdirSync(path.dirname(place), { recursive: true });
  const lines = Array.from({ length: count }, (_, i) => JSON.stringify({ patch: `@@ -1,1 +1,1 @@\n+${from + i}`, y: i % 2 }));
  fs.writeFileSync(place, lines.join('\n'));
  return place;
}

test('the names of the files tell the parts', async () => {
  write('named/cls-train-chunk-0.jsonl', 0, 30);
  write('named/cls-valid.jsonl', 100, 4);
  write('named/cls-test.jsonl', 200, 5);
  const { train, validation, test: held } = await loadReviewData({ path: folder('named') });
  expect([train.length, validation.length, held.length]).toEqual([30, 4, 5]);
  expect(held[0]?.patch).toContain('+200');
});

test('and they do so however the path is written, and in an archive', async () => {
  const texts = [write('short/train.jsonl', 0, 3), write('short/valid.jsonl', 100, 1), write('short/test.jsonl', 200, 1)];
  const entries = texts.map((place) => [path.basename(place), fs.readFileSync(place)] as const);
  fs.writeFileSync(folder('short.zip'), storedZip(Object.fromEntries(entries)));
  const [place, below] = [folder('short'), `./${path.relative('.', folder('short'))}`];
  for (const written of [place, `${place}/`, `${place}/.`, `${place}/../short`, below, `${below}/`, `${below}.zip`]) {
    const { train, validation, test: held } = await loadReviewData({ path: written });
    expect([written, train.length, validation.length, held.length]).toEqual([written, 3, 1, 1]);
  }
});

test.each([
  [['train', 'valid', 'test'], [30, 30, 30], undefined],
  [['msgTrain', 'refValid', 'CLSTest'], [30, 30, 30], undefined],
  [['trainSetRef', 'devSet', 'testMsg'], [30, 30, 30], undefined],
  [['latest', 'device', 'constraints'], undefined, undefined],
  [['newContest', 'onDevice', 'myTrainer'], undefined, undefined],
  [['train', 'test'], undefined, /the file names tell no examples for validation, so a hash of its code decides the part of each example$/],
  [['msg-test'], undefined, /tell no examples for train and validation, so a hash/],
  [['train2', 'dev', 'testset', 'more'], [30, 30, 30], /left out, because their names tell no part .*: .*more\.jsonl$/],
])('files named %j give %j, and a warning like %s', async (names, counts, warning) => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  const place = `given-${names.join('-')}`;
  for (const [index, name] of names.entries()) write(`${place}/${name}.jsonl`, 100 * index, 30);
  const { train, validation, test: held } = await loadReviewData({ path: folder(place) });
  if (counts) expect([train.length, validation.length, held.length]).toEqual(counts);
  else expect(train.length).toBeGreaterThan(15 * names.length); // a hash of the code decides
  expect(train.length + validation.length + held.length).toBe(counts ? 90 : 30 * names.length);
  expect(warned.mock.calls).toEqual(warning ? [[expect.stringMatching(warning)]] : []);
});

test('without names the code decides, a tenth each held out, and the same code is in one part', async () => {
  const one = write('all.jsonl', 0, 600);
  fs.appendFileSync(one, `\n${fs.readFileSync(one, 'utf8')}`);
  const splits = await loadReviewData({ path: one });
  expect(splits.train.length + splits.validation.length + splits.test.length).toBe(1200);
  expect(splits.validation.length).toBeGreaterThan(60);
  expect(splits.test.length).toBeLessThan(200);
  const codes = Object.values(splits).map((part) => new Set(part.map(({ patch }: { patch?: string }) => patch)));
  expect(codes.reduce((sum, set) => sum + set.size, 0)).toBe(600);
});

test('of more than maxExamples so many are drawn, from everywhere, the same for the same seed', async () => {
  const one = write('many.jsonl', 0, 1000);
  const { train } = await loadReviewData({ path: one, maxExamples: 50 });
  expect(train.length).toBe(50);
  expect(train.some(({ id }) => Number(id.split(':')[1]) > 500)).toBe(true);
  expect((await loadReviewData({ path: one, maxExamples: 50 })).train).toEqual(train);
  expect((await loadReviewData({ path: one, maxExamples: 50, seed: 2 })).train).not.toEqual(train);
  for (const maxExamples of [0, 1.5, Number.NaN])
    await expect(loadReviewData({ path: one, maxExamples })).rejects.toRefuse(ArgumentError, /^maxExamples .* is not a whole number/);
});

test('too little for three parts is refused, and says of which task', async () => {
  const one = write('few.jsonl', 0, 3);
  await expect(loadReviewData({ path: one })).rejects.toThrow(FormatError);
  await expect(loadReviewData({ path: write('none.jsonl', 0, 600), task: 'comment' })).rejects.toThrow(/0 examples of the comment task/);
});

test('reading stops when told to', async () => {
  const reading = loadReviewData({ path: write('stopped.jsonl', 0, 600), signal: AbortSignal.abort() });
  await expect(reading).rejects.toRefuse(AbortedError, /^reading .*stopped\.jsonl was stopped$/);
});

test('without a path it is the lint reviews', async () => {
  const filler = (from: number) => Array.from({ length: 12 }, (_, i) => `export const value${from + i} = compute(${i}, 'a');`);
  fs.mkdirSync(folder('node_modules/p'), { recursive: true });
  fs.writeFileSync(folder('node_modules/p/package.json'), '{ "name": "p", "version": "1.0.0" }');
  fs.writeFileSync(folder('node_modules/p/index.js'), [...filler(0), 'export var x = 1;', ...filler(100)].join('\n'));
  const place = { nodeModules: folder('node_modules'), cacheDir: folder('data') };
  const splits = await loadReviewData(place);
  expect(
    Object.values(splits)
      .flat()
      .map(({ comment }) => comment),
  ).toContain('Unexpected var, use let or const instead.');
  expect(splits).toEqual(await lintReviews(place));
  const all = [...splits.train, ...splits.validation, ...splits.test];
  const commented = Object.values(await loadReviewData({ ...place, task: 'comment' })).flat();
  expect(commented.length).toBeLessThan(all.length);
  expect(commented).toEqual(all.filter((example) => isExampleOf('comment', example)));
  for (const option of [{ onProblem: () => {} }, { maxProblems: 0 }])
    await expect(loadReviewData({ ...place, ...option })).rejects.toRefuse(
      ArgumentError,
      /^onProblem and maxProblems are about records in files/,
    );
  await expect(loadReviewData({ ...place, task: 'summary' as never })).rejects.toRefuse(ArgumentError, 'task "summary" is none of');
});
