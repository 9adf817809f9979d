/** The options and the result of a training run. */
import { AbortedError, ArgumentError } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import { checkWhole } from '../runtime/checks/checkWhole';
import { checkPrecision } from '../runtime/compile/precision';
import type { CheckpointPlace } from './checkpoints/runCheckpoint';
import type { Cluster } from './cluster/cluster';
import type { EvaluationPlan } from './evaluationPlan';
import type { ExecutionOptions } from './executionOptions';
import type { AdamW } from './optimizer/adamw';
import type { ProgressDisplay } from './progress/progressMeter';
import type { EvaluationRecord, StepRecord } from './progress/runRecords';

/** The options of a run. */
export interface TrainOptions extends ExecutionOptions {
  /** @defaultValue AdamW with a learning rate of 3e-4 and no weight decay, disposed at the end */
  readonly optimizer?: AdamW;
  /** Number of updates, over as many epochs as necessary. @defaultValue until the end of the epochs */
  readonly steps?: number;
  /** Passes over the batches. @defaultValue 1, or without limit if `steps` is given */
  readonly epochs?: number;
  /** Batches per update; the loss is the mean over all their tokens, as in transformers since 4.46. @defaultValue 1 */
  readonly gradientAccumulation?: number;
  /** Maximum norm of all gradients; larger ones are scaled down. @defaultValue 1 */
  readonly maxGradNorm?: number;
  /** Ends the run after the updates in flight, as SIGINT and SIGTERM do. */
  readonly signal?: AbortSignal;
  /**
   * Number of updates in flight at a time: a GPU then does not wait for its host after each. They are reported when all are done;
   * evaluations, checkpoints, interrupts and the end of the run come between two such groups.
   *
   * In a cluster, all workers use the smallest number that any of them asks for, from the second update on.
   *
   * @defaultValue 1 on a CPU; on a GPU, the number that takes a second, at most 8
   */
  readonly stepsAtOnce?: number;
  /**
   * Called with the numbers of every update, and awaited; the model is then in its state after the last update of the group
   * (`stepsAtOnce`). If it throws, the run ends. That group is made, counted and logged, but not saved: the newest checkpoint is the
   * previous one.
   */
  readonly onStep?: (record: StepRecord) => void | Promise<void>;
  /** Shows the progress of the run: `terminalProgress()`, or in a notebook `progress({ label })`. */
  readonly progress?: ProgressDisplay;
  readonly evaluation?: EvaluationOptions;
  readonly checkpoint?: CheckpointOptions;
  /**
   * The workers that train together, from `joinCluster`. Each calls this function with the same model and data and computes its part of
   * every update; the result is that of one process, up to the order of summation. Only worker 0 logs, shows progress and writes
   * checkpoints; all workers read them.
   */
  readonly cluster?: Cluster | undefined;
  /** A file for one line of JSON per update and per evaluation. */
  readonly log?: string;
}

/** The evaluations on held-out data: before the first update, after the last, and in between. */
export interface EvaluationOptions extends EvaluationPlan {
  /** Updates between two evaluations. @defaultValue none in between */
  readonly everySteps?: number;
  /** Called after every evaluation, and awaited. */
  readonly onEvaluation?: (record: EvaluationRecord) => void | Promise<void>;
  /** Restores the weights of the lowest held-out loss at the end. @defaultValue false */
  readonly keepBest?: boolean;
  /** Ends the run after this many evaluations in a row without a lower held-out loss. @defaultValue never */
  readonly patience?: number;
}

/** The checkpoints of a run. A resumed run continues as if it had never been interrupted, bit for bit on a CPU. */
export interface CheckpointOptions extends CheckpointPlace {
  /** The run's own folder; the newest complete checkpoint in it is resumed. */
  readonly directory: string;
  /** Updates between two checkpoints; the run also saves at its end and at an interrupt. @defaultValue 100 */
  readonly everySteps?: number;
  /** Number of newest checkpoints to keep; damaged ones do not count. @defaultValue 2 */
  readonly keep?: number;
  /** Called with the folder of every complete checkpoint, and awaited, for example to copy it elsewhere. */
  readonly onSaved?: (folder: string) => void | Promise<void>;
}

/** The result of a run. */
export interface TrainResult {
  /** The loss of the last update. */
  readonly loss: number;
  readonly history: readonly StepRecord[];
  readonly evaluations: readonly EvaluationRecord[];
}

/** The run was stopped after a whole step; `result` is its result until then, and the model is in its state after that step. */
export class TrainingAbortedError extends AbortedError {
  constructor(readonly result: TrainResult) {
    super(`training was stopped after step ${result.history.length}; the model is as that step left it`);
  }
}

/** The options of `train` that `trainOnExamples` has too. */
export const SHARED_OPTIONS = [
  'steps',
  'gradientAccumulation',
  'signal',
  'onStep',
  'progress',
  'checkpoint',
  'cluster',
  'log',
  'compile',
  'precision',
] as const satisfies readonly (keyof TrainOptions)[];

/** @throws ArgumentError when an option is unknown or out of its range. */
export function checkTrainOptions(options: TrainOptions): void {
  checkKnown('train', options, [...SHARED_OPTIONS, 'optimizer', 'epochs', 'maxGradNorm', 'stepsAtOnce', 'evaluation'], {
    learningRate: 'optimizer',
    lr: 'optimizer',
    batchSize: 'gradientAccumulation',
  });
  checkPrecision(options);
  const { optimizer, steps, epochs, gradientAccumulation, maxGradNorm, stepsAtOnce, evaluation, checkpoint } = options;
  if (optimizer !== undefined && typeof optimizer?.coefficients !== 'function')
    throw new ArgumentError('optimizer is not an AdamW: give new AdamW({ learningRate: … }), or leave it out');
  const counts = {
    steps,
    epochs,
    gradientAccumulation,
    stepsAtOnce,
    'evaluation.everySteps': evaluation?.everySteps,
    'evaluation.patience': evaluation?.patience,
    'checkpoint.everySteps': checkpoint?.everySteps,
    'checkpoint.keep': checkpoint?.keep,
  };
  for (const [name, count] of Object.entries(counts)) if (count !== undefined) checkWhole(name, count);
  if (evaluation) {
    checkKnown('train.evaluation', evaluation, ['batches', 'everySteps', 'onEvaluation', 'keepBest', 'patience']);
    if (evaluation.batches === undefined) throw new ArgumentError('train.evaluation has no batches to evaluate on');
  }
  if (checkpoint) checkKnown('train.checkpoint', checkpoint, ['directory', 'everySteps', 'keep', 'onSaved']);
  if (maxGradNorm !== undefined && !(maxGradNorm > 0))
    throw new ArgumentError(`maxGradNorm ${maxGradNorm} is not positive; Infinity does not clip`);
}
