/** The options of a training run, and what it returns. */
import { AbortedError, ArgumentError } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import { checkWhole } from '../runtime/checks/checkWhole';
import type { CheckpointPlace } from './checkpoints/runCheckpoint';
import type { Cluster } from './cluster/cluster';
import type { EvaluationPlan } from './evaluationPlan';
import type { ExecutionOptions } from './executionOptions';
import type { AdamW } from './optimizer/adamw';
import type { ProgressDisplay } from './progress/progressMeter';
import type { EvaluationRecord, StepRecord } from './progress/records';

/** How a run goes. */
export interface TrainOptions extends ExecutionOptions {
  /** @defaultValue AdamW with a learning rate of 3e-4 and no weight decay, disposed at the end */
  readonly optimizer?: AdamW;
  /** Updates to make, over as many epochs as that takes. @defaultValue until the epochs are over */
  readonly steps?: number;
  /** Passes over the batches. @defaultValue 1, or without limit where `steps` is given */
  readonly epochs?: number;
  /** Batches per update; the loss is the mean over all their tokens, as in transformers since 4.46. @defaultValue 1 */
  readonly gradientAccumulation?: number;
  /** The gradients' norm is kept at or below this. @defaultValue 1 */
  readonly maxGradNorm?: number;
  /** Ends the run after the updates in flight. SIGINT and SIGTERM do so too. */
  readonly signal?: AbortSignal;
  /**
   * Updates that are in flight at a time, so that a GPU does not wait for its host after each. They are reported when all of them are
   * done; evaluations, checkpoints, interrupts and the end of the run come between two such groups.
   *
   * @defaultValue 1 on a CPU; on a GPU as many as take a second, at most 8
   */
  readonly stepsAtOnce?: number;
  /**
   * Called with every update's numbers, and awaited; the model is as the last update of its group (`stepsAtOnce`) left it. If it throws,
   * the run ends with that group made, counted and logged, but not saved: the newest checkpoint is the one before.
   */
  readonly onStep?: (record: StepRecord) => void | Promise<void>;
  /** Shows how far the run is: `terminalProgress()`, or in a notebook `progress({ label })`. */
  readonly progress?: ProgressDisplay;
  readonly evaluation?: EvaluationOptions;
  readonly checkpoint?: CheckpointOptions;
  /**
   * The workers that train together, from `joinCluster`. Each calls this function with the same model and data and computes its part of every update;
   * the result is that of one process, up to the order in which numbers are added. Worker 0 alone logs, shows progress and writes checkpoints, which
   * all of them read.
   */
  readonly cluster?: Cluster | undefined;
  /** A file that gets one line of JSON per update and per evaluation. */
  readonly log?: string;
}

/** When the model is tried on held-out data: before the first update, after the last, and in between. */
export interface EvaluationOptions extends EvaluationPlan {
  /** Updates between two evaluations. @defaultValue none in between */
  readonly everySteps?: number;
  /** Called after every evaluation, and waited for. */
  readonly onEvaluation?: (record: EvaluationRecord) => void | Promise<void>;
  /** Leaves the model at the weights of its lowest held-out loss, instead of the last ones. @defaultValue false */
  readonly keepBest?: boolean;
  /** Ends the run when so many evaluations in a row have not lowered the held-out loss. @defaultValue never */
  readonly patience?: number;
}

/** Where and when a run is saved, so that it can be resumed as if it had never been interrupted: bit for bit on a CPU. */
export interface CheckpointOptions extends CheckpointPlace {
  /** The run's own folder; the newest complete checkpoint in it is resumed. */
  readonly directory: string;
  /** Updates between two checkpoints; the end of the run and an interrupt are saved too. @defaultValue 100 */
  readonly everySteps?: number;
  /** How many of the newest are kept; damaged ones do not count. @defaultValue 2 */
  readonly keep?: number;
  /** Called with the folder of every checkpoint once it is complete, and awaited: to copy it to another place, for example. */
  readonly onSaved?: (folder: string) => void | Promise<void>;
}

/** What a run did. */
export interface TrainResult {
  /** The loss of the last update. */
  readonly loss: number;
  readonly history: readonly StepRecord[];
  readonly evaluations: readonly EvaluationRecord[];
}

/** The run was stopped after a whole step; `result` is what it did until then, and the model is as that step left it. */
export class TrainingAbortedError extends AbortedError {
  constructor(readonly result: TrainResult) {
    super(`training was stopped after step ${result.history.length}; the model is as that step left it`);
  }
}

/** @throws ArgumentError when an option is unknown or out of its range. */
export function checkTrainOptions(options: TrainOptions): void {
  checkKnown(
    'train',
    options,
    [
      'optimizer',
      'steps',
      'epochs',
      'gradientAccumulation',
      'maxGradNorm',
      'signal',
      'stepsAtOnce',
      'onStep',
      'progress',
      'evaluation',
      'checkpoint',
      'cluster',
      'log',
      'compile',
      'precision',
    ],
    { learningRate: 'optimizer', lr: 'optimizer', batchSize: 'gradientAccumulation' },
  );
  const { steps, epochs, gradientAccumulation, maxGradNorm, stepsAtOnce, evaluation, checkpoint } = options;
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
  for (const [name, count] of Object.entries(counts)) {
    if (count !== undefined) checkWhole(name, count);
  }
  if (evaluation) {
    checkKnown('train.evaluation', evaluation, ['batches', 'everySteps', 'onEvaluation', 'keepBest', 'patience']);
    if (evaluation.batches === undefined) throw new ArgumentError('train.evaluation has no batches to evaluate on');
  }
  if (checkpoint) checkKnown('train.checkpoint', checkpoint, ['directory', 'everySteps', 'keep', 'onSaved']);
  if (maxGradNorm !== undefined && !(maxGradNorm > 0))
    throw new ArgumentError(`maxGradNorm ${maxGradNorm} is not positive; Infinity does not clip`);
}
