/** What `train` does, whatever the examples are made from. */
import fs from 'node:fs';
import nodePath from 'node:path';
import type { Tokenizer } from '../llama';
import { getPeftModel } from '../peft';
import { ArgumentError } from '../runtime';
import { interruptible } from '../runtime/interruptible';
import { type EncodedExample, TrainingAbortedError, terminalProgress, trainOnExamples } from '../train';
import type { CommandArguments } from './commandArguments';
import { typedConfig } from './methodOptions';
import { isAdapter, openModel } from './openModel';
import type { Streams } from './streams';
import { UsageError } from './usageError';

/** Examples to train on; undefined stands for one that does not fit. */
export interface TrainingExamples {
  readonly train: readonly (EncodedExample | undefined)[];
  readonly validation: readonly (EncodedExample | undefined)[];
}

/** How many examples are wanted, and how long they may be. */
export interface TrainingRequest {
  readonly examples: number;
  readonly heldOut: number;
  readonly maxLength: number;
}

/** Where the examples come from, and where the adapter goes. */
export interface TrainingJob {
  readonly folder: string;
  /** Reads the examples; called before the model is loaded, so that unreadable data is told at once. */
  read(): Promise<TrainingData>;
}

/** Data that was read. */
export interface TrainingData {
  encode(tokenizer: Tokenizer, request: TrainingRequest): TrainingExamples;
  /** Called once the adapter is in its folder. */
  onSaved?(folder: string): void;
}

/** Updates between two savings of the run. */
const SAVE_EVERY = 20;

/** Trains an adapter as the options say, and saves it into the job's folder. */
export async function trainAdapter(args: CommandArguments, streams: Streams, { folder, read }: TrainingJob): Promise<number> {
  const { stdout, stderr } = streams;
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
    log: args.text('log'),
    checkpoint: { directory: checkpoint, everySteps: SAVE_EVERY },
    ...(!args.isOn('quiet') && { progress: terminalProgress(stderr) }),
    seed,
  };
  const request = {
    examples: args.whole('examples') ?? Number.MAX_SAFE_INTEGER,
    heldOut: args.whole('held-out') ?? heldOutFor(settings.steps * settings.batchSize * settings.gradientAccumulation),
    maxLength: args.whole('max-length') ?? 512,
  };
  typedConfig(args, { layers: 32, baseModelNameOrPath: '' }); // wrong options are told before anything is loaded
  const data = await read();
  const { model, tokenizer, path } = await openModel(args, streams);
  const base = nodePath.basename(path);
  const peft = getPeftModel(model, typedConfig(args, { layers: model.config.numHiddenLayers, baseModelNameOrPath: base }), { seed });
  try {
    const encoded = data.encode(tokenizer, request);
    const examples = { train: fitting(encoded.train), validation: fitting(encoded.validation) };
    if (examples.train.length === 0)
      throw new ArgumentError(`none of ${encoded.train.length} examples fits ${request.maxLength} tokens: raise --max-length`);
    if (!args.isOn('quiet')) stderr.write(beginning(examples.validation.length, checkpoint));
    const result = await interruptible(undefined, async (signal) => {
      try {
        return await trainOnExamples(peft, examples, { ...settings, padTokenId: tokenizer.eosTokenId ?? 0, signal });
      } catch (error) {
        // Here, because the process ends by the received signal as soon as this work has ended.
        if (error instanceof TrainingAbortedError) stderr.write(stopped(error.result.history.length, checkpoint));
        throw error;
      }
    });
    peft.savePretrained(folder);
    data.onSaved?.(folder);
    if (isWithin) fs.rmSync(checkpoint, { recursive: true, force: true }); // its best weights are the adapter
    const losses = result.evaluations.map(({ loss }) => loss);
    const leftOut = encoded.train.length - examples.train.length;
    stdout.write(`${result.history.length} updates on ${encoded.train.length} examples of ${base}\n`);
    if (leftOut > 0) stdout.write(`${leftOut} examples do not fit --max-length and were left out\n`);
    if (losses.length > 0)
      stdout.write(`validation loss ${losses[0]?.toFixed(4)} before, ${Math.min(...losses).toFixed(4)} at its lowest, which is kept\n`);
    stdout.write(`written to ${folder}\n`);
    return 0;
  } finally {
    peft.dispose();
  }
}

function fitting(examples: readonly (EncodedExample | undefined)[]): EncodedExample[] {
  return examples.flatMap((example) => example ?? []);
}

/** Enough to tell one loss from another, and a small share of the time: one for 25 examples that are learned, at least 8 and at most 64. */
function heldOutFor(learned: number): number {
  return Math.min(64, Math.max(8, Math.round(learned / 25)));
}

function beginning(heldOut: number, checkpoint: string): string {
  const time = 'the time left is shown after the first update';
  if (fs.existsSync(checkpoint)) return `resuming the run in ${checkpoint}; ${time}\n`;
  return `first the loss of ${heldOut} held-out examples; ${time}; Ctrl-C saves the run, and the same command resumes it\n`;
}

function stopped(step: number, checkpoint: string): string {
  return `stopped after step ${step}; the run is saved in ${checkpoint}, and the same command resumes it\n`;
}
