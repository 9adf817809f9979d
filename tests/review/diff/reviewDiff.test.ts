import { type DiffHunk, diffHunks, type HunkReview, type ReviewerModel, reviewDiff, reviewPrompt } from 'lowrank-review';
import { afterAll, expect, test } from 'vitest';
import { letterModel, letterTokenizer } from '../letterModel';

const model = letterModel();
afterAll(() => model.dispose());

const diff = [
  '--- a/a.js',
  '+++ b/a.js',
  ...[1, 11, 21].flatMap((line) => [`@@ -${line},0 +${line},1 @@`, `+let a${line} = ${'x'.repeat(line)};`]),
];

async function reviews(models: (task: string) => ReviewerModel | undefined, options = {}): Promise<HunkReview[]> {
  const found: HunkReview[] = [];
  for await (const review of reviewDiff(models, letterTokenizer, diffHunks(diff), { maxLength: 700, ...options })) found.push(review);
  return found;
}

test('each task is asked once per group, in turn, on the same model', async () => {
  const asked: string[] = [];
  const done: (number | string)[] = [];
  const found = await reviews(
    (task) => {
      asked.push(task);
      return model;
    },
    {
      threshold: 0,
      groupSize: 2,
      batchSize: 1,
      onProgress: (hunks: number) => done.push(hunks),
      onAnswers: (task: string, count: number, of: number) => done.push(`${task} ${count}/${of}`),
    },
  );
  expect(asked).toEqual(['necessity', 'comment', 'refinement', 'necessity', 'comment', 'refinement']);
  const of = (count: number) =>
    ['necessity', 'comment', 'refinement'].flatMap((task) => Array.from({ length: count }, (_, i) => `${task} ${i + 1}/${count}`));
  expect(done).toEqual([...of(2), 2, ...of(1), 3]);
  expect(found.map(({ hunk }) => hunk.line)).toEqual([1, 11, 21]);
  for (const { probability, comment } of found) {
    expect(probability).toBeGreaterThan(0);
    expect(comment.trim()).not.toBe('');
  }
});

test('only what needs a review is commented on', async () => {
  const all = await reviews(() => model, { threshold: 0 });
  const likeliest = Math.max(...all.map(({ probability = 0 }) => probability));
  const found = await reviews(() => model, { threshold: likeliest });
  expect(found.map(({ hunk }) => hunk.line)).toEqual(
    all.filter(({ probability }) => probability === likeliest).map(({ hunk }) => hunk.line),
  );
});

test('without a necessity model all is commented on, without a refinement model no code is suggested', async () => {
  const found = await reviews((task) => (task === 'comment' ? model : undefined));
  expect(found.length).toBe(3);
  for (const { probability, refinedCode } of found) expect([probability, refinedCode]).toEqual([undefined, undefined]);
});

test('code that changes nothing is no suggestion', async () => {
  const echo: ReviewerModel = {
    config: model.config,
    forward: (ids, options) => model.forward(ids, options),
    generate: async (rows) => (rows as number[][]).map(() => letterTokenizer.encode('let a1 = x;')),
  };
  const [first, second] = await reviews((task) => (task === 'refinement' ? echo : model), { threshold: 0 });
  expect(first?.refinedCode).toBeUndefined();
  expect(second?.refinedCode).toBe('let a1 = x;');
});

test.each([0, 2.5, '32'])('groups of %j hunks are refused', async (groupSize) => {
  await expect(reviews(() => model, { groupSize })).rejects.toThrow(/^groupSize \S+ is not a whole number from 1 up/);
});

test('no hunks, no work', async () => {
  const none: DiffHunk[] = [];
  for await (const _ of reviewDiff(() => expect.unreachable(), letterTokenizer, none)) expect.unreachable();
});

test('a hunk is called cut only by the tasks that it is asked for', async () => {
  const cutBy = async (tasks: readonly string[], maxLength: number) => {
    const cut: number[] = [];
    const onCut = ({ line }: DiffHunk) => cut.push(line);
    await reviews((task) => (tasks.includes(task) ? model : undefined), { threshold: 0, maxLength, onCut });
    return cut;
  };
  const [hunk] = await reviews(() => model, { threshold: 0 });
  const { prompt } = reviewPrompt('necessity', { id: '', source: 'diff', language: '', patch: hunk?.hunk.patch ?? '' });
  const room = letterTokenizer.encode(prompt, { addSpecialTokens: true }).length + 40; // fewer than a comment takes
  expect(await cutBy(['necessity'], room)).toEqual([]);
  expect(await cutBy(['necessity', 'comment'], room)).toEqual([1, 11, 21]);
  expect(await cutBy(['necessity'], 270)).toEqual([1, 11, 21]);
});
