/** A suggestion that is given: the adapters have learned one hunk by heart, and say their answer to its end. */
import fs from 'node:fs';
import { getPeftModel, LoraConfig, Tokenizer } from 'lowrank';
import { fineTune, type ReviewExample, type ReviewTask } from 'lowrank-review';
import { beforeAll, expect, test } from 'vitest';
import { lowrank } from '../../cli/run';
import { temporaryFolder } from '../../io/temporaryFolder';
import { sarifFaults } from './sarifFaults';
import { saveSmallAdapters, saveSmallModel, smallModel } from './smallReviewer';

const folder = temporaryFolder();
const patch = '@@ -1,1 +1,1 @@\n-let a = 0;\n+var a = 1;';
const diff = `--- a/src/a.js\n+++ b/src/a.js\n${patch}\n`;
const comment = 'Use const.';
const refinedCode = 'const a = 1;';
const example: ReviewExample = {
  id: 'a',
  source: 'diff',
  language: 'javascript',
  patch,
  needsReview: true,
  comment,
  code: 'var a = 1;',
  refinedCode,
};

const review = (adapters: string, format: string) =>
  lowrank(['review', '-', '--model', folder('model'), '--adapter', folder(adapters), '--format', format], diff);

beforeAll(async () => {
  await saveSmallModel(folder('model'));
  const tokenizer = await Tokenizer.fromPretrained(folder('model'));
  saveSmallAdapters(folder('unfinished'));
  fs.rmSync(folder('unfinished/necessity'), { recursive: true });
  for (const task of ['comment', 'refinement'] satisfies ReviewTask[]) {
    const peft = getPeftModel(
      smallModel(),
      new LoraConfig({ r: 8, loraAlpha: 16, targetModules: 'all-linear', modulesToSave: ['lm_head'] }),
    );
    await fineTune(peft, tokenizer, task, { train: [example] }, { steps: 40, batchSize: 1, learningRate: 0.03, seed: 1 });
    peft.savePretrained(folder(`whole/${task}`));
    peft.dispose();
  }
  fs.rmSync(folder('unfinished/comment'), { recursive: true });
  fs.cpSync(folder('whole/comment'), folder('unfinished/comment'), { recursive: true });
}, 120_000);

test('a whole answer of the refinement adapter is suggested, as text, as JSON and as a SARIF fix', async () => {
  const text = await review('whole', 'text');
  expect(text.stdout).toBe(`src/a.js:1\n  ${comment}\n  suggested code:\n    | ${refinedCode}\n\n1 review of 1 hunk.\n`);
  const [one] = JSON.parse((await review('whole', 'json')).stdout).reviews;
  expect([one.comment, one.suggestion]).toEqual([comment, { startLine: 1, lines: 1, code: refinedCode }]);
  const sarif = (await review('whole', 'sarif')).stdout;
  expect(sarifFaults(sarif)).toEqual([]);
  const [{ artifactChanges }] = JSON.parse(sarif).runs[0].results[0].fixes;
  expect(artifactChanges).toMatchObject([
    { artifactLocation: { uri: 'src/a.js' }, replacements: [{ deletedRegion: { startLine: 1 }, insertedContent: { text: refinedCode } }] },
  ]);
});

test('an answer that does not come to its end is not', async () => {
  const [one] = JSON.parse((await review('unfinished', 'json')).stdout).reviews;
  expect([one.comment, one.suggestion]).toEqual([comment, undefined]);
});
