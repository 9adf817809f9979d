/**
 * One worker of the small run: `node worker.ts JSON` joins the cluster that the environment describes, trains, and prints a line of JSON for every
 * step and one at its end. Its options say what it does wrong.
 */
import fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { joinCluster, makeBatches, type TrainOptions, tf } from 'lowrank';
import { BAD, heldOut, type Kind, sequences, smallModel, smallRun, spoilt } from '../smallRun.ts';

/** What a test asks of a worker. */
export interface Part {
  readonly kind?: Kind;
  /** Where the run is saved; nowhere by default. */
  readonly directory?: string;
  readonly timeout?: number;
  readonly joinTimeout?: number;
  readonly batchSize?: number;
  readonly steps?: number;
  readonly stepsBetweenCheckpoints?: number;
  /** The first token of all sequences: other workers have other data then. */
  readonly shift?: number;
  /** From which epoch on the data is shifted. */
  readonly shiftFrom?: number;
  /** Which batch of the second epoch makes the loss NaN. */
  readonly badBatch?: number;
  readonly rank?: number;
  /** Of LoRA. */
  readonly r?: number;
  readonly weightSeed?: number;
  /** What it does after which update. */
  readonly fault?: { readonly step: number; readonly kind: 'kill' | 'stop' | 'hang' | 'throw' | 'interrupt' | 'absent' };
  readonly stepsAtOnce?: number;
  readonly evaluateEvery?: number;
  /** Rests after each update, in milliseconds. */
  readonly rest?: number;
}

const part = JSON.parse(process.argv[2] ?? '{}') as Part;
const say = (line: unknown) => void fs.writeSync(1, `${JSON.stringify(line)}\n`);

const fail: Record<NonNullable<Part['fault']>['kind'], () => void> = {
  kill: () => process.kill(process.pid, 'SIGKILL'),
  stop: () => process.kill(process.pid, 'SIGSTOP'),
  hang: () => {
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  },
  throw: () => {
    throw new Error('the disk of this worker is full');
  },
  absent: () => undefined,
  interrupt: () => process.kill(process.pid, 'SIGTERM'),
};

if (part.fault?.kind === 'absent') process.exit();
try {
  const { timeout = 30, joinTimeout = 60 } = part;
  const cluster = process.env.TF_CONFIG || process.env.RANK ? await joinCluster({ timeout, joinTimeout }) : undefined;
  const model = spoilt(smallModel(part.kind ?? 'lora', { r: part.r, seed: part.weightSeed }));
  const options: TrainOptions = {
    cluster,
    ...(part.directory !== undefined && { checkpoint: { directory: part.directory, everySteps: part.stepsBetweenCheckpoints ?? 1 } }),
    ...(part.steps !== undefined && { steps: part.steps }),
    ...(part.stepsAtOnce !== undefined && { stepsAtOnce: part.stepsAtOnce }),
    ...(part.evaluateEvery !== undefined && { evaluation: { batches: heldOut, everySteps: part.evaluateEvery, keepBest: true } }),
    onStep: async ({ step }) => {
      say({ step, made: (model.dropoutStep ?? 0) / 2 }); // of two batches each
      if (step === part.fault?.step) fail[part.fault.kind]();
      if (part.rest) await wait(part.rest);
    },
  };
  const { shift = 0, shiftFrom = 0, batchSize = 3 } = part;
  const batches = (epoch: number) => {
    const ordered = makeBatches(sequences(16, epoch >= shiftFrom ? shift : 0), {
      batchSize,
      padTokenId: 0,
      seed: 4,
      epoch,
      bucketByLength: true,
    });
    const bad = ordered[0]?.inputIds.map((row) => row.map(() => BAD)) ?? [];
    return ordered.map((batch, index) => (epoch === 1 && index === part.badBatch ? { inputIds: bad, labels: bad } : batch));
  };
  const { history, evaluations } = await smallRun(model, options, batches);
  const weights = Object.fromEntries(
    Array.from(model.trainableParameters(), ([name, variable]) => [name, Array.from(variable.dataSync())]),
  );
  say({ done: { history, evaluations, weights, tensors: tf.memory().numTensors } });
} catch (error) {
  const { code, message, workers } = error as { code?: string; message: string; workers?: number[] };
  say({ error: { code, message, workers } });
  process.exitCode = 2;
}
