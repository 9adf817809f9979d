/**
 * Chooses the adapters that are bundled with `lowrank-review` from the runs of the long form, and writes them with 16-bit weights and a model card.
 * Usage: node experiments/publishAdapters.mts RESULTS.json WORK_FOLDER OUT_FOLDER
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors } from '../lib/lowrank/dist/io/safetensors/safetensors.js';
import type { ExperimentResults } from '../lib/review/dist/experiment/experimentResults.js';
import { saveTrainingData } from '../lib/review/dist/trainingDataFile.js';

const METHOD = /^LoRA r=16, α=(16|32)$/;
const BASE = 'HuggingFaceTB/SmolLM2-135M-Instruct';
/** The answer of each task that needs no model, and what it is. */
const WITHOUT_MODEL = {
  necessity: { method: 'always yes', is: 'answers *yes* to every hunk' },
  comment: { method: 'most frequent comment', is: 'writes the same comment about every hunk' },
  refinement: { method: 'copied code', is: 'returns the code unchanged' },
};
const LICENCES =
  'The JavaScript belongs to the packages named in `data/lint-packages.json`, each under its own licence; none of it is in these files.';

const [resultsPath, work, out] = process.argv.slice(2);
if (!resultsPath || !work || !out) throw new Error('usage: publishAdapters.mts RESULTS.json WORK_FOLDER OUT_FOLDER');
const results = JSON.parse(fs.readFileSync(resultsPath, 'utf8')) as ExperimentResults;
type Run = ExperimentResults['runs'][number];

/** Folder of each stored run. */
const folders = new Map<string, string>();
const key = ({ method, task, seed }: Pick<Run, 'method' | 'task' | 'seed'>) => JSON.stringify([method, task, seed]);
for (const name of fs.readdirSync(work)) {
  const path = join(work, name, 'cell.json');
  if (!fs.existsSync(path)) continue;
  const { run } = JSON.parse(fs.readFileSync(path, 'utf8')) as { run?: Run };
  if (run) folders.set(key(run), join(work, name, 'adapter'));
}

for (const task of results.config.tasks) {
  const runs = results.runs.filter((run) => run.task === task && METHOD.test(run.method) && fs.existsSync(folders.get(key(run)) ?? ''));
  const [best] = [...runs].sort((a, b) => lowestLoss(a) - lowestLoss(b));
  if (!best) throw new Error(`${work} has no adapter of ${METHOD} for the ${task} task`);
  publish(best, folders.get(key(best)) ?? '', join(out, task));
}

function lowestLoss({ evaluations }: Run): number {
  return Math.min(...evaluations.map(({ loss }) => loss));
}

function publish(run: Run, from: string, to: string): void {
  fs.mkdirSync(to, { recursive: true });
  const config = JSON.parse(fs.readFileSync(join(from, 'adapter_config.json'), 'utf8')) as object;
  fs.writeFileSync(join(to, 'adapter_config.json'), `${JSON.stringify({ ...config, base_model_name_or_path: BASE }, null, 2)}\n`);
  writeInBfloat16(join(from, 'adapter_model.safetensors'), join(to, 'adapter_model.safetensors'));
  const examples = results.data.examples[run.task]?.train ?? 0;
  saveTrainingData(to, { task: run.task, examples, languages: ['javascript'], languageLabel: false, threshold: run.threshold });
  fs.writeFileSync(join(to, 'README.md'), card(run));
}

/** Writes the tensors of an adapter in bfloat16, rounded half to even. */
function writeInBfloat16(from: string, to: string): void {
  const file = readSafetensors(from);
  const tensors = file.names.map((name) => {
    const bits = new Uint32Array(file.toFloat32(name).buffer);
    const rounded = Uint16Array.from(bits, (each) => (each + 0x7fff + ((each >>> 16) & 1)) >>> 16);
    return [name, { dtype: 'BF16', shape: file.info(name).shape, bytes: new Uint8Array(rounded.buffer) }] as const;
  });
  writeSafetensors(to, tensors, { metadata: file.metadata });
}

function card(run: Run): string {
  const seeds = results.runs.filter(({ method, task }) => method === run.method && task === run.task); // in the order of `perSeed`
  const place = seeds.indexOf(run);
  const simple = WITHOUT_MODEL[run.task];
  const ofTask = results.rows.filter(({ task }) => task === run.task);
  const scores = ofTask
    .filter(({ method, metric }) => method === run.method && !metric.endsWith('Loss') && metric !== 'perplexity')
    .map(({ metric, perSeed, value, examples }) => {
      const without = ofTask.find((row) => row.method === simple.method && row.metric === metric);
      return `| ${metric} | ${perSeed[place]} | ${value} | ${without?.value ?? '–'} | ${examples} |`;
    });
  return `---
base_model: ${BASE}
library_name: peft
pipeline_tag: text-generation
tags:
- lora
- lowrank
---

# ${run.task[0]?.toUpperCase()}${run.task.slice(1)}: an adapter for code review that shows a method

${run.method} on \`q_proj\` and \`v_proj\` of SmolLM2-135M-Instruct (Q4_1), trained by \`make experiment FORM=long\` on the lint reviews: JavaScript hunks and
what ESLint's core rules say of them. It imitates ESLint, and ESLint itself is better at that. It is no reviewer for other languages, and it has never
seen a comment by a person. Useful reviews need a larger model and reviews by people; \`lowrank train --data\` trains on them with the same program.

| | |
|---|---|
| learning rate | ${run.learningRate}, chosen by a sweep of ${results.config.methods.find(({ name }) => name === run.method)?.learningRates.length} rates on validation data |
| training examples | ${results.data.examples[run.task]?.train.toLocaleString('en')} |
| seed | ${run.seed}, the one with the lowest validation loss of those that ran |
| updates | ${run.steps}; kept are the weights with the lowest validation loss, ${lowestLoss(run)} nats per token |
| weights | ${run.trainableParameters.toLocaleString('en')}, in bfloat16 |${run.threshold === undefined ? '' : `\n| threshold | ${run.threshold}, chosen on validation data |`}

| score on test examples, before rounding to 16 bits | this seed | mean of all seeds | ${simple.method} | examples |
|---|---|---|---|---|
${scores.join('\n')}

Read the scores beside those of *${simple.method}*, which needs no model and ${simple.is}.

${LICENCES}

Format: PEFT 0.21.0.
`;
}
