/** What a test asks of a worker, or of a process without others: one small run, and what it does wrong. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Cluster, type EvaluationRecord, makeBatches, type StepRecord, type TrainableModel, type TrainOptions, tf } from 'lowrank';
import { BigramModel } from '../bigramModel.ts';
import { BAD, heldOut, type Kind, sequences, smallModel, smallRun, spoilt, vocabSize } from '../smallRun.ts';

export interface Part {
  /** The model; `bigram` takes the least time to start, for what is not about the model. */
  readonly kind?: Kind | 'bigram';
  /** Where the run is saved; nowhere by default. */
  readonly directory?: string;
  /** Of the cluster that the worker joins before its first run. */
  readonly timeout?: number;
  readonly joinTimeout?: number;
  readonly batchSize?: number;
  /** By default the last batch of an epoch has one row. */
  readonly rows?: number;
  readonly steps?: number;
  readonly stepsBetweenCheckpoints?: number;
  /** The first token of all sequences: other workers have other data then. */
  readonly shift?: number;
  /** From which epoch on the data is shifted. */
  readonly shiftFrom?: number;
  /** Which batch of the second epoch makes the loss NaN. */
  readonly badBatch?: number;
  /** Of LoRA. */
  readonly r?: number;
  readonly weightSeed?: number;
  /** What it does after which update. */
  readonly fault?: { readonly step: number; readonly kind: 'kill' | 'stop' | 'hang' | 'throw' | 'interrupt' };
  /** By default as `train` does; false where the numbers do not matter, for compiling takes longer than the run. */
  readonly compile?: boolean;
  readonly stepsAtOnce?: number;
  readonly evaluateEvery?: number;
  /** Rests after each update, in milliseconds. */
  readonly rest?: number;
}

/** What a run came to. */
export interface Done {
  readonly history: readonly StepRecord[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
  /** Tensors that are there still when the model is gone. */
  readonly tensorsLeft: number;
}

/** An update as the run tells of it, and how many the model has made by then. */
export interface Told {
  readonly step: number;
  readonly made: number;
}

/** Makes the run, in a cluster where there is one. */
export async function runPart(part: Part, cluster?: Cluster, tell: (told: Told) => void = () => undefined): Promise<Done> {
  const before = tf.memory().numTensors;
  const { kind = 'lora' } = part;
  const model = kind === 'bigram' ? new BigramModel({ vocabSize }) : spoilt(smallModel(kind, { r: part.r, seed: part.weightSeed }));
  const options: TrainOptions = {
    cluster,
    ...(part.directory !== undefined && { checkpoint: { directory: part.directory, everySteps: part.stepsBetweenCheckpoints ?? 1 } }),
    ...(part.steps !== undefined && { steps: part.steps }),
    ...(part.compile !== undefined && { compile: part.compile }),
    ...(part.stepsAtOnce !== undefined && { stepsAtOnce: part.stepsAtOnce }),
    ...(part.evaluateEvery !== undefined && { evaluation: { batches: heldOut, everySteps: part.evaluateEvery, keepBest: true } }),
    onStep: async ({ step }) => {
      tell({ step, made: ('dropoutStep' in model ? (model.dropoutStep ?? 0) : 0) / 2 }); // of two batches each
      if (part.rest) await wait(part.rest);
    },
  };
  const { shift = 0, shiftFrom = 0, batchSize = 3, rows = 16 } = part;
  const batches = (epoch: number) => {
    const ordered = makeBatches(sequences(rows, epoch >= shiftFrom ? shift : 0), {
      batchSize,
      padTokenId: 0,
      seed: 4,
      epoch,
      bucketByLength: true,
    });
    const bad = ordered[0]?.inputIds.map((row) => row.map(() => BAD)) ?? [];
    return ordered.map((batch, index) => (epoch === 1 && index === part.badBatch ? { inputIds: bad, labels: bad } : batch));
  };
  const result = await smallRun(model, options, batches)
    .then(({ history, evaluations }) => ({ history, evaluations, weights: weightsOf(model) }))
    .finally(() => model.dispose());
  return { ...result, tensorsLeft: tf.memory().numTensors - before };
}

function weightsOf(model: TrainableModel): Record<string, number[]> {
  return Object.fromEntries(Array.from(model.trainableParameters(), ([name, variable]) => [name, Array.from(variable.dataSync())]));
}
