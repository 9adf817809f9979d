/** `lowrank train`: an adapter for one task. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { AdaptionPromptConfig, getPeftModel, LoraConfig, type PeftConfig } from '../peft';
import { drawExamples, fineTune, loadReviewData, type ReviewTask } from '../review';
import { describeTrainingData, saveTrainingData } from '../review/trainingData';
import { interruptible } from '../runtime/interruptible';
import { TrainingAbortedError, terminalProgress } from '../train';
import type { CommandArguments } from './commandArguments';
import { isAdapter, openModel } from './openModel';
import type { Streams } from './streams';
import { UsageError } from './usageError';

const tasks = ['necessity', 'comment', 'refinement'] as const;
/** Updates between two savings of the run. */
const SAVE_EVERY = 20;

export async function run(args: CommandArguments, streams: Streams): Promise<number> {
  const { stdout, stderr } = streams;
  const task = taskOf(args);
  const folder = nodePath.join(args.required('output'), task);
  const seed = args.whole('seed', { least: 0 }) ?? 0;
  const checkpoint = args.text('checkpoint') ?? nodePath.join(folder, 'run');
  const isWithin = args.text('checkpoint') === undefined;
  if (isAdapter(folder) && !fs.existsSync(checkpoint) && !args.isOn('force'))
    throw new UsageError(`${folder} holds an adapter already: --force replaces it, another --output keeps it`);
  const settings = {
    steps: args.whole('steps') ?? 200,
    batchSize: args.whole('batch-size') ?? 4,
    gradientAccumulation: args.whole('accumulate') ?? 2,
    learningRate: args.number('learning-rate', { least: 0 }),
    maxLength: args.whole('max-length') ?? 512,
    languageLabel: args.isOn('language'),
    log: args.text('log'),
    checkpoint: { directory: checkpoint, everySteps: SAVE_EVERY },
    ...(!args.isOn('quiet') && { progress: terminalProgress(stderr) }),
    seed,
  };
  const heldOut = args.whole('held-out') ?? heldOutFor(settings.steps * settings.batchSize * settings.gradientAccumulation);
  const examples = args.whole('examples') ?? Number.MAX_SAFE_INTEGER;
  adapterConfig(args, { layers: 32, base: '' }); // wrong options are told before anything is loaded
  const splits = await loadReviewData({ path: args.text('data'), task });
  const { model, tokenizer, path } = await openModel(args, streams);
  const base = nodePath.basename(path);
  const peft = getPeftModel(model, adapterConfig(args, { layers: model.config.numHiddenLayers, base }), { seed });
  try {
    const data = { train: drawExamples(task, splits.train, examples), validation: drawExamples(task, splits.validation, heldOut) };
    if (!args.isOn('quiet')) stderr.write(beginning(data.validation.length, checkpoint));
    const result = await interruptible(undefined, async (signal) => {
      try {
        return await fineTune(peft, tokenizer, task, data, { ...settings, signal });
      } catch (error) {
        // Here, because the process ends by the received signal as soon as this work has ended.
        if (error instanceof TrainingAbortedError) stderr.write(stopped(error.result.history.length, checkpoint));
        throw error;
      }
    });
    peft.savePretrained(folder);
    saveTrainingData(folder, describeTrainingData(task, data.train));
    if (isWithin) fs.rmSync(checkpoint, { recursive: true, force: true }); // its best weights are the adapter
    const losses = result.evaluations.map(({ loss }) => loss);
    const best = Math.min(...losses);
    stdout.write(`${result.history.length} updates on ${data.train.length} examples of ${base}\n`);
    if (result.leftOut > 0) stdout.write(`${result.leftOut} examples do not fit --max-length and were left out\n`);
    stdout.write(`validation loss ${losses[0]?.toFixed(4)} before, ${best.toFixed(4)} at its lowest, which is kept\n`);
    stdout.write(`written to ${folder}\n`);
    return 0;
  } finally {
    peft.dispose();
  }
}

/** Enough to tell one loss from another, and a small share of the time: one for 25 examples that are learned, at least 8 and at most 64. */
function heldOutFor(learned: number): number {
  return Math.min(64, Math.max(8, Math.round(learned / 25)));
}

function beginning(heldOut: number, checkpoint: string): string {
  const time = 'the time left is shown after the first update';
  if (fs.existsSync(checkpoint)) return `going on with the run in ${checkpoint}; ${time}\n`;
  return `first the loss of ${heldOut} held-out examples; ${time}; Ctrl-C saves the run, and the same command goes on\n`;
}

function stopped(step: number, checkpoint: string): string {
  return `stopped after step ${step}; the run is saved in ${checkpoint}, and the same command goes on from there\n`;
}

/** The task that `--task` names. @throws UsageError when it names none. */
export function taskOf(args: CommandArguments): ReviewTask {
  const task = args.choice('task', tasks, args.required('task'));
  if (!task) throw new UsageError('--task is missing');
  return task;
}

function adapterConfig(args: CommandArguments, { layers, base }: { readonly layers: number; readonly base: string }): PeftConfig {
  const baseModelNameOrPath = base;
  if (args.choice('method', ['lora', 'prefix']) === 'prefix') {
    const adapterLayers = args.whole('layers') ?? Math.max(1, layers - 2);
    return new AdaptionPromptConfig({ adapterLen: args.whole('prefix-length') ?? 10, adapterLayers, baseModelNameOrPath });
  }
  const r = args.whole('rank') ?? 16;
  const loraDropout = args.number('dropout', { least: 0, most: 0.99 }) ?? 0.05;
  return new LoraConfig({
    r,
    loraAlpha: args.number('alpha') ?? 2 * r,
    loraDropout,
    targetModules: ['q_proj', 'v_proj'],
    baseModelNameOrPath,
  });
}
