/** Trains an adapter on encoded examples; the method supplies the settings that are not given. */
import type { PeftType } from '../peft';
import { ArgumentError, deriveSeed } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import { checkOneOf } from '../runtime/checks/checkValues';
import { checkWhole } from '../runtime/checks/checkWhole';
import type { TrainingExample } from './data/batch';
import { makeBatches } from './data/makeBatches';
import { fullFineTuningDefaults, methodDefaults } from './methodDefaults';
import { AdamW } from './optimizer/adamw';
import { constantSchedule, cosineSchedule, type Schedule } from './optimizer/schedules';
import { train } from './train';
import type { TrainableModel } from './trainableModel';
import { type EvaluationOptions, SHARED_OPTIONS, type TrainOptions, type TrainResult } from './trainOptions';

/** Training data and held-out data. */
export interface ExampleSplits {
  readonly train: readonly TrainingExample[];
  /** Held out: its loss is measured, and the weights of the lowest loss are kept. */
  readonly validation?: readonly TrainingExample[];
}

/** The settings of the run. */
export interface TrainOnExamplesOptions
  extends Pick<TrainOptions, 'signal' | 'onStep' | 'progress' | 'checkpoint' | 'cluster' | 'log' | 'compile' | 'precision'> {
  /** Number of updates. */
  readonly steps: number;
  /** The id of padding. */
  readonly padTokenId: number;
  /** Examples per batch, or rows with `pack`. @defaultValue 4 */
  readonly batchSize?: number;
  /** Batches per update. @defaultValue 1 */
  readonly gradientAccumulation?: number;
  /** Tokens per row: each row is filled with several examples instead of padding. @defaultValue rows are padded */
  readonly pack?: number;
  /** Peak learning rate, reached after a warm-up. @defaultValue the method's, see `methodDefaults` */
  readonly learningRate?: number;
  /** The learning rate after the warm-up: a cosine down to 0, or the peak throughout. @defaultValue 'cosine' */
  readonly schedule?: (typeof SCHEDULES)[number];
  /** Updates of the warm-up. @defaultValue the method's share of all updates, see `methodDefaults` */
  readonly warmupSteps?: number;
  /** Random seed of the examples' order. @defaultValue 0 */
  readonly seed?: number;
  /** Updates between two evaluations. @defaultValue a fifth of all */
  readonly evaluateEvery?: number;
  /** Ends the run after this many evaluations without a lower loss. @defaultValue never */
  readonly patience?: EvaluationOptions['patience'];
  /** Called after each evaluation. */
  readonly onEvaluation?: EvaluationOptions['onEvaluation'];
}

/** The result of the run, and its peak learning rate. */
export interface TrainOnExamplesResult extends TrainResult {
  readonly learningRate: number;
}

const SCHEDULES = ['cosine', 'constant'] as const;

/** A PeftModel, or a model whose own parameters are trained. */
export type TunedModel = TrainableModel & { readonly peftType?: PeftType };

/** The options that callers who encode the examples pass on unchanged. */
export const TRAINING_OPTIONS = [
  ...SHARED_OPTIONS,
  'batchSize',
  'learningRate',
  'schedule',
  'warmupSteps',
  'seed',
  'evaluateEvery',
  'patience',
  'onEvaluation',
] as const satisfies readonly (keyof TrainOnExamplesOptions)[];

/**
 * Trains the active adapter of a PeftModel, or all trainable parameters of another model. With validation data, the model gets the weights
 * of its lowest validation loss at the end.
 *
 * @throws ArgumentError for an unknown option, for one of evaluations without validation data, or when `steps` is not a whole number of at
 * least 1; whatever `train` throws.
 */
export async function trainOnExamples(
  model: TunedModel,
  splits: ExampleSplits,
  options: TrainOnExamplesOptions,
): Promise<TrainOnExamplesResult> {
  checkKnown('trainOnExamples', options, [...TRAINING_OPTIONS, 'padTokenId', 'pack']);
  const { train: examples, validation = [] } = splits;
  if (validation.length === 0) checkUnevaluated(splits, options);
  const { padTokenId, pack, batchSize = 4, seed = 0, schedule = 'cosine', evaluateEvery, patience, onEvaluation, ...run } = options;
  const { learningRate: given, warmupSteps: warmup, ...passedOn } = run;
  const { steps } = run;
  checkWhole('steps', steps);
  checkOneOf('schedule', schedule, SCHEDULES);
  const batching = { batchSize, padTokenId, ...(pack === undefined ? { bucketByLength: true } : { pack }) };
  const { peftType, config } = model;
  const defaults = peftType ? methodDefaults({ peftType }, { hiddenSize: config?.hiddenSize }) : fullFineTuningDefaults;
  const [learningRate, warmupSteps] = [given ?? defaults.learningRate, warmup ?? Math.round(defaults.warmupShare * steps)];
  checkWhole('warmupSteps', warmupSteps, 0);
  const rates = learningRates({ schedule, peak: learningRate, warmupSteps, steps });
  const optimizer = new AdamW({ weightDecay: defaults.weightDecay, betas: defaults.betas, learningRate: rates });
  try {
    const result = await train(model, (epoch) => makeBatches(examples, { ...batching, seed: deriveSeed(seed, 1), epoch }), {
      ...passedOn,
      optimizer,
      ...(validation.length > 0 && {
        evaluation: {
          batches: makeBatches(validation, batching),
          everySteps: evaluateEvery ?? Math.max(1, Math.ceil(steps / 5)),
          keepBest: true,
          patience,
          onEvaluation,
        },
      }),
    });
    return { ...result, learningRate };
  } finally {
    optimizer.dispose();
  }
}

/** @throws ArgumentError when held-out data have another name, or an option is for them alone. */
function checkUnevaluated(splits: ExampleSplits, options: TrainOnExamplesOptions): void {
  const names = { eval: 'validation', evaluation: 'validation', heldOut: 'validation', test: 'validation' };
  checkKnown('trainOnExamples: splits', splits, ['train', 'validation'], names);
  const idle = (['evaluateEvery', 'patience', 'onEvaluation'] as const).find((name) => options[name] !== undefined);
  if (idle) throw new ArgumentError(`${idle} has no effect without validation examples: give some, or leave it out`);
}

type Rates = { readonly schedule: string; readonly peak: number; readonly warmupSteps: number; readonly steps: number };

/**
 * The rate rises during `warmupSteps` updates and peaks in the next one. The rates of 0 lie before the first update and after the
 * last, because an update at rate 0 would change nothing.
 */
function learningRates({ schedule, peak, warmupSteps, steps }: Rates): Schedule {
  const shifted =
    schedule === 'constant'
      ? constantSchedule({ peak, warmupSteps: warmupSteps + 1 })
      : cosineSchedule({ peak, warmupSteps: warmupSteps + 1, totalSteps: steps + 1 });
  return (step) => shifted(step + 1);
}
