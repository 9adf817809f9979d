/** `lowrank train`: an adapter for one task. */
import nodePath from 'node:path';
import { AdaptionPromptConfig, getPeftModel, LoraConfig, type PeftConfig } from '../peft';
import { drawExamples, fineTune, loadReviewData, type ReviewTask } from '../review';
import { terminalProgress } from '../train';
import type { CommandArguments } from './commandArguments';
import { openModel } from './openModel';
import type { Streams } from './streams';
import { UsageError } from './usageError';

const tasks = ['necessity', 'comment', 'refinement'] as const;
const heldOut = 64;

export async function run(args: CommandArguments, { stdout, stderr }: Streams): Promise<number> {
  const task = taskOf(args);
  const folder = nodePath.join(args.required('output'), task);
  const seed = args.whole('seed', { least: 0 }) ?? 0;
  const checkpoint = args.text('checkpoint');
  const settings = {
    steps: args.whole('steps') ?? 200,
    batchSize: args.whole('batch-size') ?? 4,
    gradientAccumulation: args.whole('accumulate') ?? 2,
    learningRate: args.number('learning-rate', { least: 0 }),
    maxLength: args.whole('max-length') ?? 512,
    languageLabel: args.isOn('language'),
    log: args.text('log'),
    ...(checkpoint !== undefined && { checkpoint: { directory: checkpoint, everySteps: 20 } }),
    ...(!args.isOn('quiet') && { progress: terminalProgress(stderr) }),
    seed,
  };
  const examples = args.whole('examples') ?? Number.MAX_SAFE_INTEGER;
  adapterConfig(args, { layers: 32, base: '' }); // wrong options are told before anything is loaded
  const splits = await loadReviewData({ path: args.text('data'), task });
  const { model, tokenizer, path } = await openModel(args);
  const base = nodePath.basename(path);
  const peft = getPeftModel(model, adapterConfig(args, { layers: model.config.numHiddenLayers, base }), { seed });
  try {
    const data = { train: drawExamples(task, splits.train, examples), validation: drawExamples(task, splits.validation, heldOut) };
    if (!args.isOn('quiet')) stderr.write(`first the loss of ${data.validation.length} held-out examples\n`);
    const result = await fineTune(peft, tokenizer, task, data, settings);
    peft.savePretrained(folder);
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
