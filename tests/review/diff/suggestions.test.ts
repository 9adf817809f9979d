import { diffHunks, type HunkReview, type ReviewerModel, reviewDiff } from 'lowrank-review';
import { expect, test } from 'vitest';
import { letterTokenizer } from '../letterModel';

const config = { maxPositionEmbeddings: 8192 } as ReviewerModel['config'];

/** A reviewer that answers with the code itself, changed by `answer`. */
function reviewer(answer: (code: string) => string, ends = true, comment = 'Use let.') {
  const model = (task: string): ReviewerModel => ({
    config,
    forward: () => expect.unreachable(),
    generate: async (rows, { maxNewTokens = 0 } = {}) =>
      (rows as number[][]).map((ids) => {
        const [, code = ''] = /The code is: '([\s\S]*)'\n\n###/.exec(letterTokenizer.decode(ids)) ?? [];
        const text = letterTokenizer.encode(task === 'comment' ? comment : answer(code));
        return [...text, ...(ends ? [127] : new Array<number>(maxNewTokens).fill(32))].slice(0, maxNewTokens);
      }),
  });
  return (task: string) => (task === 'necessity' ? undefined : model(task));
}

async function review(models: ReturnType<typeof reviewer>, lines: readonly string[], maxLength = 8192): Promise<HunkReview | undefined> {
  const diff = ['--- a/f.js', '+++ b/f.js', `@@ -0,0 +1,${lines.length} @@`, ...lines.map((line) => `+${line}`)];
  for await (const each of reviewDiff(models, letterTokenizer, diffHunks(diff), { maxLength })) return each;
  return undefined;
}

const long = Array.from({ length: 40 }, (_, i) => `${i === 0 ? 'var' : 'const'} value${i} = compute(${i});`);
const letsItBe = reviewer((code) => code.replace('var', 'let'));

test('a suggestion has all of the code, however long it is', async () => {
  expect((await review(letsItBe, long))?.refinedCode).toBe(long.join('\n').replace('var', 'let'));
});

test('what has no end, or was asked of a part of the code, is no suggestion', async () => {
  expect(
    (
      await review(
        reviewer((code) => code.replace('var', 'let'), false),
        ['var a;'],
      )
    )?.refinedCode,
  ).toBeUndefined();
  expect((await review(letsItBe, long, 1500))?.refinedCode).toBeUndefined();
  expect((await review(letsItBe, [`var a = '${'x'.repeat(2100)}';`]))?.refinedCode).toBeUndefined();
  expect((await review(letsItBe, ['var a = "\ufffd";']))?.refinedCode).toBeUndefined();
});

test('blank lines at the end, and line ends, stay as they are', async () => {
  expect((await review(letsItBe, ['var a;', 'b();', '', '']))?.refinedCode).toBe('let a;\nb();\n\n');
  expect((await review(letsItBe, ['var a;\r', 'b();\r']))?.refinedCode).toBe('let a;\r\nb();\r');
});

test('a model that only repeats itself is not listened to', async () => {
  expect(
    await review(
      reviewer((code) => code, true, 'It is not good. '.repeat(7)),
      ['var a;'],
    ),
  ).toBeUndefined();
  expect(
    (
      await review(
        reviewer(() => 'return not(a, b);\n'.repeat(30)),
        ['var a;'],
      )
    )?.refinedCode,
  ).toBeUndefined();
});
