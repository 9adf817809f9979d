import fs from 'node:fs';
import { LoraConfig } from 'lowrank';
import type { ExperimentResults } from 'lowrank-review';
import { expect, test } from 'vitest';
import { readAdapterConfig } from '../../../lib/lowrank/src/peft/files/adapterConfigFile';
import { hasOwnAdapters } from '../../../lib/review/src/cli/ownAdapters';
import { trainedLanguages, trainedThreshold } from '../../../lib/review/src/trainingDataFile';
import { lowrank } from '../../cli/run';

const tasks = ['necessity', 'comment', 'refinement'] as const;
const folderOf = (task: string) => `lib/review/adapters/${task}`;

const DIFF = `diff --git a/src/total.js b/src/total.js
--- a/src/total.js
+++ b/src/total.js
@@ -1,1 +1,2 @@
+var sum = 0;
 module.exports = sum;
`;

test('without --adapter the default model reviews with the adapters of this package, and says so', async () => {
  const { code, stdout, stderr } = await lowrank(['review', '-', '--format', 'json'], DIFF);
  expect(code).toBe(0);
  expect(stderr).toMatch(/adapters: those of this package; they imitate ESLint on JavaScript/);
  const [review] = (JSON.parse(stdout) as { reviews: { comment: string; suggestion?: string }[] }).reviews;
  expect(review?.comment).toBe('Unexpected var, use let or const instead.');
  expect(JSON.stringify(review)).toContain('let sum = 0;');
}, 120_000);

test('they belong to the default model in any number format, and to no other', () => {
  expect(hasOwnAdapters('/x/SmolLM2-135M-Instruct.Q4_1.gguf')).toBe(true);
  expect(hasOwnAdapters('models/SmolLM2-135M-Instruct')).toBe(true);
  expect(hasOwnAdapters('models/SmolLM2-1.7B-Instruct')).toBe(false);
});

test.each(tasks)('the %s adapter is rank 16 in 16 bits, and its card states the scores of its run in the results', (task) => {
  const config = readAdapterConfig(folderOf(task));
  expect(config).toBeInstanceOf(LoraConfig);
  expect(config).toMatchObject({ r: 16, targetModules: ['q_proj', 'v_proj'] });
  const bytes = fs.readFileSync(`${folderOf(task)}/adapter_model.safetensors`);
  const header = bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE()));
  expect(new Set(header.match(/"dtype":"\w+"/g))).toEqual(new Set(['"dtype":"BF16"']));
  expect(fs.statSync(`${folderOf(task)}/adapter_model.safetensors`).size).toBeLessThan(2e6);
  expect(trainedLanguages(folderOf(task))).toEqual(['javascript']);

  const card = fs.readFileSync(`${folderOf(task)}/README.md`, 'utf8');
  const { runs, rows } = JSON.parse(fs.readFileSync('experiments/results/reviewer-long.json', 'utf8')) as ExperimentResults;
  const [, method] = /^(LoRA \S+ \S+) on/m.exec(card) ?? [];
  const seed = Number(/^\| seed \| (\d+)/m.exec(card)?.[1]);
  const own = runs.filter((run) => run.task === task && run.method === method);
  const run = own.find((each) => each.seed === seed);
  expect(card).toContain(`| updates | ${run?.steps};`);
  expect(card).toContain(`${Math.min(...(run?.evaluations ?? []).map(({ loss }) => loss))} nats`);
  const metric = { necessity: 'f1', comment: 'bleu4', refinement: 'exactMatch' }[task];
  const row = rows.find((each) => each.task === task && each.method === method && each.metric === metric);
  expect(card).toContain(`| ${metric} | ${row?.perSeed[own.findIndex((each) => each.seed === seed)]} |`);
  expect(trainedThreshold(folderOf(task))).toBe(run?.threshold);
});
