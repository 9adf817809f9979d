import { expect, test } from 'vitest';
import { liveMarks } from '../../../docs/site/live/liveCells.ts';

const live = { isLive: true };

test('a cell does not run in a page that needs a file, nor one that builds on it', () => {
  const cells = [
    "import { LlamaForCausalLM, tf, Tokenizer } from 'lowrank';\nimport { defaultModelPath } from 'lowrank-course';",
    'const x = tf.ones([2]);',
    'const model = await LlamaForCausalLM.fromPretrained(defaultModelPath());',
    'const loss = () => model.loss(ids, ids);',
    'console.log(loss());',
    'console.log(x);',
  ];
  const needs = { isLive: false, needs: 'SmolLM2' };
  expect(liveMarks(cells)).toEqual([live, live, needs, needs, needs, live]);
});

test('a name that is declared anew no longer needs anything, and one inside of a function is another name', () => {
  const cells = [
    "import { readFileSync } from 'node:fs';",
    "const text = readFileSync('a');",
    'const f = (text: string) => text;',
    "const text = 'a';",
    'text;',
  ];
  expect(liveMarks(cells)).toEqual([live, { isLive: false, needs: 'files' }, live, live, live]);
});
