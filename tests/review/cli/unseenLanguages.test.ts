import fs from 'node:fs';
import { type DiffHunk, diffHunks, diffTextLines } from 'lowrank-review';
import { expect, test } from 'vitest';
import { unseenLanguages } from '../../../lib/review/src/cli/unseenLanguages';
import { saveTrainingData } from '../../../lib/review/src/trainingDataFile';
import { temporaryFolder } from '../../io/temporaryFolder';

const folder = temporaryFolder();

async function hunksOf(...files: readonly string[]): Promise<DiffHunk[]> {
  async function* diff() {
    for (const file of files) yield Buffer.from(`--- a/${file}\n+++ b/${file}\n@@ -1 +1 @@\n-a\n+b\n`);
  }
  const hunks: DiffHunk[] = [];
  for await (const hunk of diffHunks(diffTextLines(diff()))) hunks.push(hunk);
  return hunks;
}

test('each language that an adapter was not trained on is named, with the tasks and the number of hunks', async () => {
  for (const [task, languages] of [
    ['necessity', ['javascript', 'python']],
    ['comment', ['javascript']],
  ] as const) {
    fs.mkdirSync(folder(task));
    saveTrainingData(folder(task), { task, examples: 1, languages, languageLabel: false });
  }
  const hunks = await hunksOf('a.js', 'b.py', 'c.go', 'd.go', 'Dockerfile');
  expect(unseenLanguages(hunks, folder('.'), ['necessity', 'comment'])).toEqual([
    '1 hunk is in python, which comment was not trained on (only on javascript, python): expect poor results there',
    '2 hunks are in go, which necessity, comment were not trained on (only on javascript, python): expect poor results there',
    '1 hunk is in a language unknown from the file name, which necessity, comment were not trained on (only on javascript, python): expect poor results there',
  ]);
});

test('an adapter that does not say what it was trained on is not warned of', async () => {
  fs.mkdirSync(folder('refinement'));
  expect(unseenLanguages(await hunksOf('b.py'), folder('.'), ['refinement'])).toEqual([]);
});
