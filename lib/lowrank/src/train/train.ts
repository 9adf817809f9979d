/** The training loop: batches in, a better model out, and an account of every step. */
import { setImmediate } from 'node:timers/promises';
import { AbortedError, ArgumentError, deviceInfo } from '../runtime';
import { checkKnown } from '../runtime/checkKnown';
import { checkWhole } from '../runtime/checkWhole';
import { interruptible } from '../runtime/interruptible';
import type { CheckpointPlace } from './checkpoints/runCheckpoint';
import { lockRun } from './checkpoints/runLock';
import { type BatchSource, updateWindows } from './data/updateBatches';
import type { ExecutionOptions } from './executionOptions';
import { oneAtATime } from './oneAtATime';
import { AdamW } from './optimizer/adamw';
import { type ProgressDisplay, ProgressMeter } from './progress/progressMeter';
import type { EvaluationRecord, StepRecord } from './progress/records';
import { RunLog } from './progress/runLog';
import type { TrainableModel } from './trainableModel';
import { type EvaluationPlan, TrainingRun } from './trainingRun';

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
  /** Ends the run after the updates that are under way. SIGINT and SIGTERM do so too. */
  readonly signal?: AbortSignal;
  /**
   * Updates that the device is given at a time, so that a GPU does not wait for its host after each. What is told of them comes when all
   * are done; evaluations, checkpoints, interrupts and the end of the run come between two such groups.
   *
   * @defaultValue 1 on a CPU; on a GPU as many as take a second, at most 8
   */
  readonly stepsAtOnce?: number;
  /**
   * Called with every update's numbers, and waited for; the model is as the last update of its `stepsAtOnce` left it. An error that it throws
   * ends the run with those updates made, counted and logged; nothing is saved then, so that the newest checkpoint is the one from before.
   */
  readonly onStep?: (record: StepRecord) => void | Promise<void>;
  /** Shows how far the run is: `terminalProgress()`, or in a notebook `progress({ label })`. */
  readonly progress?: ProgressDisplay;
  readonly evaluation?: EvaluationOptions;
  readonly checkpoint?: CheckpointOptions;
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

/**
 * Trains the model's trainable parameters on the batches.
 *
 * Dropout acts in the updates only. Between two groups of updates (`stepsAtOnce`) the event loop runs, so that a display can renew itself and
 * an interrupt gets through. Which parameters are trained may change there; other settings of the model stay as they were at the first, because the
 * compiled step keeps to them.
 *
 * @throws NotFiniteError when a loss or a gradient is NaN or infinite; that step, and those begun after it, have changed nothing.
 * @throws TrainingAbortedError when the signal or an interrupt ends the run, after the updates under way.
 * @throws ArgumentError when an option is out of range, there are no batches, or an update has no label.
 * @throws StateError when the model has nothing to train, adapters are merged, the first update reaches no trained parameter, the model is
 * being trained already, another run uses the checkpoint's folder, or the checkpoint is of another run.
 */
export async function train(model: TrainableModel, batches: BatchSource, options: TrainOptions = {}): Promise<TrainResult> {
  checkOptions(options);
  return interruptible(options.signal, (signal) => oneAtATime(model, () => trainAlone(model, batches, options, signal)));
}

async function trainAlone(model: TrainableModel, batches: BatchSource, options: TrainOptions, signal: AbortSignal): Promise<TrainResult> {
  const { compile = true, precision, maxGradNorm = 1 } = options;
  const optimizer = options.optimizer ?? new AdamW({ learningRate: 3e-4, weightDecay: 0 });
  const run = new TrainingRun(model, optimizer, { compile, precision, maxGradNorm });
  const { isTraining } = model;
  let unlock: (() => void) | undefined;
  try {
    if (options.checkpoint) unlock = lockRun(options.checkpoint.directory);
    model.train?.();
    if (options.checkpoint) run.resume(options.checkpoint);
    await runSteps(run, batches, options, signal);
    if (options.evaluation?.keepBest) run.restoreBest();
    return resultOf(run);
  } finally {
    if (!isTraining) model.eval?.();
    options.progress?.finish();
    unlock?.();
    run.dispose();
    if (!options.optimizer) optimizer.dispose();
  }
}

async function runSteps(run: TrainingRun, batches: BatchSource, options: TrainOptions, signal: AbortSignal): Promise<void> {
  const { evaluation, checkpoint, gradientAccumulation = 1, stepsAtOnce } = options;
  const epochs = options.epochs ?? (options.steps === undefined ? 1 : Number.POSITIVE_INFINITY);
  const evaluateEvery = evaluation && (evaluation.everySteps ?? Number.POSITIVE_INFINITY);
  const meter = new ProgressMeter(plannedSteps(batches, epochs, options), evaluateEvery);
  const log = options.log === undefined ? undefined : new RunLog(options.log, run.resumedAt);
  const isOver = () =>
    signal.aborted ||
    run.step >= (options.steps ?? Number.POSITIVE_INFINITY) ||
    run.evaluationsWithoutGain() >= (evaluation?.patience ?? Infinity);
  /** What a callback does may be stopped by the same interrupt, such as a sample that it generates. */
  const told = async (callback: () => unknown) => {
    try {
      await callback();
    } catch (error) {
      if (!(signal.aborted && error instanceof AbortedError)) throw error;
    }
  };
  const evaluate = async () => {
    if (!evaluation || signal.aborted || run.isEvaluated) return;
    const begin = performance.now();
    const seconds = () => (performance.now() - begin) / 1000;
    const record = await run.evaluate(evaluation, signal, (done, batches) => {
      options.progress?.evaluating?.(meter.evaluating(run.step, done, batches, seconds()));
    });
    if (!record) return;
    meter.evaluated(seconds());
    log?.append('evaluation', record);
    await told(() => evaluation.onEvaluation?.(record));
  };

  let atOnce = stepsAtOnce ?? 1;
  const finish = async () => {
    const { made, failure } = run.finish();
    for (const { record } of made) log?.append('step', record); // all, before one of them can end the run
    for (const { record, tokens, seconds } of made) {
      atOnce = stepsAtOnce ?? stepsInASecond(seconds);
      options.progress?.update(meter.after(record.step, record.loss, tokens, seconds));
      await told(() => options.onStep?.(record));
      await setImmediate();
    }
    if (failure !== undefined) throw failure;
  };
  const saveEvery = checkpoint && (checkpoint.everySteps ?? 100);

  if (isDue(run.step, evaluation?.everySteps) || run.step === 0) await evaluate();
  if (!isOver()) {
    try {
      for await (const window of updateWindows(batches, { epochs, gradientAccumulation, start: run.position })) {
        run.begin(window);
        const begun = run.step + run.underWay;
        const isDueThen = begun === options.steps || isDue(begun, evaluation?.everySteps) || isDue(begun, saveEvery);
        if (run.underWay < atOnce && !isDueThen && !signal.aborted) continue;
        await finish();
        if (isDue(run.step, evaluation?.everySteps)) await evaluate();
        if (checkpoint && isDue(run.step, saveEvery)) run.save(checkpoint);
        if (isOver()) break;
      }
    } finally {
      await finish(); // also those that were begun before the data gave out
    }
  }
  await evaluate();
  if (checkpoint) run.save(checkpoint);
  if (signal.aborted) throw new TrainingAbortedError(resultOf(run));
}

/** How many updates a GPU is given at once, so that its host can be interrupted every second or so. */
function stepsInASecond(secondsPerStep: number): number {
  return deviceInfo().device === 'GPU' ? Math.min(8, Math.max(1, Math.floor(1 / secondsPerStep))) : 1;
}

function isDue(step: number, everySteps: number | undefined): boolean {
  return everySteps !== undefined && step % everySteps === 0;
}

/** Updates of the whole run, where the options and the kind of batches tell. */
function plannedSteps(batches: BatchSource, epochs: number, { steps, gradientAccumulation = 1 }: TrainOptions): number | undefined {
  const inEpochs = Array.isArray(batches) ? epochs * Math.ceil(batches.length / gradientAccumulation) : Number.POSITIVE_INFINITY;
  const planned = Math.min(steps ?? Number.POSITIVE_INFINITY, inEpochs);
  return Number.isFinite(planned) ? planned : undefined;
}

function resultOf({ history, evaluations }: TrainingRun): TrainResult {
  return { loss: history.at(-1)?.loss ?? Number.NaN, history, evaluations };
}

function checkOptions(options: TrainOptions): void {
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
  if (checkpoint) checkKnown('train.checkpoint', checkpoint, ['directory', 'everySteps', 'keep']);
  if (maxGradNorm !== undefined && !(maxGradNorm > 0))
    throw new ArgumentError(`maxGradNorm ${maxGradNorm} is not positive; Infinity does not clip`);
}
