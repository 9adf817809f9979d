/** The part of `train` that is the same for every kind of data. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { lockRun } from '../io/runLock';
import type { Tokenizer } from '../llama';
import { getPeftModel, type PeftModel } from '../peft';
import { AbortedError, ArgumentError } from '../runtime';
import { interruptible } from '../runtime/interruptible';
import { printable } from '../runtime/messages/printable';
import { type EncodedExample, TrainingAbortedError, terminalProgress, trainOnExamples } from '../train';
import { lowestLoss } from '../train/evaluateLoss';
import { checkPlace } from './arguments/checkPlace';
import type { CommandArguments } from './arguments/commandArguments';
import { typedConfig } from './arguments/methodOptions';
import { checkModel, isAdapter, openModel } from './openModel';
import type { Streams } from './streams';
import { UsageError } from './usageError';
import { joinedCluster } from './workers/joinedCluster';
import { manyWorkers } from './workers/manyWorkers';

/** Examples for training and validation; undefined marks one that does not fit. */
interface TrainingExamples {
  readonly train: readonly (EncodedExample | undefined)[];
  readonly validation: readonly (EncodedExample | undefined)[];
}

/** How many examples to use, and their maximum length in tokens. */
interface TrainingRequest {
  readonly examples: number;
  readonly heldOut: number;
  /** Whether the number of held-out examples was asked for, and not derived from the length of the run. */
  readonly isHeldOutGiven: boolean;
  readonly maxLength: number;
}

/** The source of the examples and the destination of the adapter. */
interface TrainingJob {
  readonly folder: string;
  /** Reads the examples. Runs before the model is loaded, so unreadable data fails at once. */
  read(): Promise<TrainingData>;
}

/** Examples that were read but not yet encoded. */
export interface TrainingData {
  encode(tokenizer: Tokenizer, request: TrainingRequest): TrainingExamples;
  /** Called after the adapter was written to its folder; records there what is measured of it. Returns a line to print. */
  onSaved?(folder: string, trained: TrainedAdapter): Promise<string | undefined>;
}

/** An adapter on its model, and how to run it. */
interface TrainedAdapter {
  readonly model: PeftModel;
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
  readonly batchSize: number;
  readonly signal: AbortSignal;
}

/** Updates between two checkpoints. */
const SAVE_EVERY = 20;

/** Trains an adapter with the given options and saves it into the job's folder. */
export async function trainAdapter(args: CommandArguments, streams: Streams, { folder, read }: TrainingJob): Promise<number> {
  checkPlace('output', folder, 'output folder');
  if (fs.existsSync(nodePath.join(folder, 'config.json')))
    throw new UsageError(`--output ${folder} holds a model, onto which transformers would then put the adapter: choose another folder`);
  checkModel(args);
  const maxRestarts = args.whole('max-restarts', { least: 0 }) ?? 3;
  const launched = await manyWorkers(args, streams, { command: 'train', maxRestarts });
  if (launched !== undefined) return launched;
  const { stdout, stderr } = streams;
  const cluster = await joinedCluster(args, streams);
  const seed = args.whole('seed', { least: 0 }) ?? 0;
  const checkpoint = args.text('checkpoint') ?? nodePath.join(folder, 'run');
  const isWithin = args.text('checkpoint') === undefined;
  const isThere = isAdapter(folder) && !args.isOn('force');
  if (isThere && !fs.existsSync(checkpoint))
    throw new UsageError(`${folder} already contains an adapter: pass --force to replace it, or choose another --output`);
  const checkAlone = () => {
    if (isThere || args.isOn('force') || !isAdapter(folder)) return;
    throw new UsageError(
      `another process has written an adapter to ${folder} meanwhile: pass --force to replace it, or choose another --output`,
    );
  };
  const settings = {
    steps: args.whole('steps') ?? 200,
    batchSize: args.whole('batch-size') ?? 4,
    gradientAccumulation: args.whole('accumulate') ?? 2,
    learningRate: args.number('learning-rate', { least: 0 }),
    log: args.text('log'),
    checkpoint: { directory: checkpoint, everySteps: SAVE_EVERY },
    cluster,
    ...(!args.isOn('quiet') && { progress: terminalProgress(stderr) }),
    seed,
  };
  const request = {
    examples: args.whole('examples') ?? Number.MAX_SAFE_INTEGER,
    isHeldOutGiven: args.text('held-out') !== undefined,
    heldOut: args.whole('held-out') ?? heldOutFor(settings.steps * settings.batchSize * settings.gradientAccumulation),
    maxLength: args.whole('max-length') ?? 512,
  };
  typedConfig(args, { layers: 32, baseModelNameOrPath: '' }); // reports wrong options before anything is loaded
  const data = await read();
  const { model, tokenizer, path } = await openModel(args, streams);
  const base = nodePath.basename(path);
  const peft = getPeftModel(model, typedConfig(args, { layers: model.config.numHiddenLayers, baseModelNameOrPath: base }), { seed });
  try {
    const encoded = data.encode(tokenizer, request);
    const examples = { train: fitting(encoded.train), validation: fitting(encoded.validation) };
    if (examples.train.length === 0)
      throw new ArgumentError(`all ${encoded.train.length} examples exceed ${request.maxLength} tokens: raise --max-length`);
    if (examples.validation.length === 0 && encoded.validation.length > 0)
      throw new ArgumentError(`all ${encoded.validation.length} held-out examples exceed ${request.maxLength} tokens: raise --max-length`);
    checkAlone();
    if (!args.isOn('quiet')) stderr.write(beginning(examples.validation.length, checkpoint));
    const isWriter = cluster?.isFirst !== false; // worker 0 writes for all
    let [isSaved, measured]: [boolean, string?] = [false];
    const result = await interruptible(undefined, async (signal) => {
      const unlock = isWriter && placeOf(checkpoint) !== placeOf(folder) ? lockRun(folder) : undefined; // training locks the checkpoint's
      try {
        const trained = await trainOnExamples(peft, examples, { ...settings, padTokenId: tokenizer.eosTokenId ?? 0, signal });
        if (!isWriter) return trained;
        checkAlone();
        peft.savePretrained(folder);
        isSaved = true;
        measured = await data.onSaved?.(folder, {
          model: peft,
          tokenizer,
          maxLength: request.maxLength,
          batchSize: settings.batchSize,
          signal,
        });
        if (isWithin) fs.rmSync(checkpoint, { recursive: true, force: true }); // the adapter already has its best weights
        return trained;
      } catch (error) {
        // This must happen here: the received signal ends the process as soon as this work ends.
        if (error instanceof TrainingAbortedError) stderr.write(stopped(error.result.history.length, checkpoint));
        else if (error instanceof AbortedError && isSaved) stderr.write(unmeasured(folder));
        throw error;
      } finally {
        unlock?.();
      }
    });
    if (!isWriter) return 0;
    const losses = result.evaluations.map(({ loss }) => loss);
    const leftOut = encoded.train.length - examples.train.length;
    const heldOutTooLong = encoded.validation.length - examples.validation.length;
    stdout.write(`${result.history.length} updates on ${encoded.train.length} examples of ${printable(base)}\n`);
    if (leftOut > 0) stdout.write(`skipped ${leftOut} examples longer than --max-length\n`);
    if (heldOutTooLong > 0) stdout.write(`skipped ${heldOutTooLong} held-out examples longer than --max-length\n`);
    if (losses.length > 0) stdout.write(lossLine(losses));
    if (measured !== undefined) stdout.write(measured);
    stdout.write(`written to ${printable(folder)}\n`);
    return 0;
  } finally {
    peft.dispose();
  }
}

/** Where a folder lies, through links. */
function placeOf(folder: string): string {
  return fs.existsSync(folder) ? fs.realpathSync(folder) : nodePath.resolve(folder);
}

function fitting(examples: readonly (EncodedExample | undefined)[]): EncodedExample[] {
  return examples.flatMap((example) => example ?? []);
}

/** A small share of the time, yet enough to compare losses: one example per 25 trained on, at least 8 and at most 64. */
function heldOutFor(learned: number): number {
  return Math.min(64, Math.max(8, Math.round(learned / 25)));
}

/** @param losses - of all evaluations; one that is not a number is never the lowest */
export function lossLine(losses: readonly number[]): string {
  return `validation loss: ${losses[0]?.toFixed(4)} before training, ${lowestLoss(losses).toFixed(4)} at the lowest; the adapter has the weights of the lowest\n`;
}

function beginning(heldOut: number, checkpoint: string): string {
  const time = 'the remaining time appears after the first update';
  if (fs.existsSync(checkpoint)) return `resuming the run in ${printable(checkpoint)}; ${time}\n`;
  return `measuring the loss of ${heldOut} held-out examples first; ${time}; Ctrl-C saves the run, and the same command resumes it\n`;
}

function stopped(step: number, checkpoint: string): string {
  return `stopped after step ${step}; the run is saved in ${printable(checkpoint)}, and the same command resumes it\n`;
}

function unmeasured(folder: string): string {
  return `stopped after training; the adapter is written to ${printable(folder)}, and the same command measures it\n`;
}
