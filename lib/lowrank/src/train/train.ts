/** The training loop. */

import { lockRun } from '../io/runLock';
import { endingSignal, interruptible } from '../runtime/interruptible';
import { warn } from '../runtime/messages/warn';
import type { RunInputs } from './checkpoints/runSetup';
import type { Cluster } from './cluster/cluster';
import { shakeHands } from './cluster/join/handshake';
import { dataFact } from './cluster/join/runFacts';
import { AgreedStop, type Stop } from './cluster/update/agreedStop';
import { type BatchSource, updateBatches } from './data/updateBatches';
import { AdamW } from './optimizer/adamw';
import { RunReport } from './progress/runReport';
import { oneAtATime } from './step/oneAtATime';
import { StepsAtOnce } from './step/stepsAtOnce';
import { parametersOf, type TrainableModel } from './trainableModel';
import { TrainingRun } from './trainingRun';
import { checkTrainOptions, TrainingAbortedError, type TrainOptions, type TrainResult } from './trainOptions';

/**
 * Trains the model's trainable parameters on the batches.
 *
 * Dropout acts in the updates only. Between two groups of updates (`stepsAtOnce`), the event loop runs: displays update, and interrupts
 * arrive. The set of trained parameters may change there; other settings of the model stay as at the first step, because the compiled step
 * keeps them.
 *
 * @throws NotFiniteError when a loss or a gradient is NaN or infinite; that step and later ones have changed nothing.
 * @throws TrainingAbortedError when the signal or an interrupt ends the run, after the updates in flight.
 * @throws ArgumentError when an option is out of range, there are no batches, or an update has no label.
 * @throws StateError when the model has nothing to train, adapters are merged, the first update reaches no trained parameter, the model is
 * being trained already, the optimizer has made updates of another model, another run uses the checkpoint's folder, the checkpoint is of
 * another run, or the workers of the cluster differ.
 * @throws WorkerLostError when another worker of the cluster is gone, silent or late, or has failed.
 */
export async function train(model: TrainableModel, batches: BatchSource, options: TrainOptions = {}): Promise<TrainResult> {
  checkTrainOptions(options);
  const { cluster } = options;
  return interruptible(options.signal, (signal) => {
    const work = (given: TrainOptions, stop: Stop) => oneAtATime(model, () => trainAlone(model, batches, given, stop));
    return cluster ? cluster.together(() => work(workersOptions(options, cluster), new AgreedStop(signal))) : work(options, { signal });
  });
}

async function trainAlone(model: TrainableModel, batches: BatchSource, options: TrainOptions, stop: Stop): Promise<TrainResult> {
  const { compile = true, precision, maxGradNorm = 1, checkpoint, evaluation, cluster } = options;
  const optimizer = options.optimizer ?? new AdamW({ learningRate: 3e-4, weightDecay: 0 });
  const stepsAtOnce = new StepsAtOnce(options.stepsAtOnce);
  const wishes = () => ({ stop: stop.isAsked === true, stepsAtOnce: stepsAtOnce.wanted });
  const run = new TrainingRun({ model, optimizer, maxGradNorm, compile, precision, cluster, wishes });
  const { isTraining } = model;
  let unlock: (() => void) | undefined;
  try {
    if (checkpoint && cluster?.isFirst !== false) unlock = lockRun(checkpoint.directory);
    model.train?.();
    if (checkpoint) run.resume(checkpoint, inputsOf(model, batches, optimizer, options), evaluation?.keepBest);
    if (cluster) await shakeHands(cluster, factsOf(run, batches, options));
    if (cluster?.isFirst !== false) warnOfNoRate(optimizer, (plannedSteps(batches, options) ?? 0) - run.step);
    await loop(run, batches, options, { stop, stepsAtOnce });
    if (evaluation?.keepBest) run.restoreBest();
    return resultOf(run);
  } finally {
    if (!isTraining) model.eval?.();
    options.progress?.finish();
    unlock?.();
    run.dispose();
    if (!options.optimizer) optimizer.dispose();
  }
}

/** The facts that decide when a group of updates ends. */
interface Pace {
  readonly stop: Stop;
  readonly stepsAtOnce: StepsAtOnce;
}

async function loop(run: TrainingRun, batches: BatchSource, options: TrainOptions, { stop, stepsAtOnce }: Pace): Promise<void> {
  const { steps = Infinity, gradientAccumulation = 1, evaluation, checkpoint, cluster } = options;
  const { signal } = stop;
  const saveEvery = checkpoint && (checkpoint.everySteps ?? 100);
  const report = new RunReport(options, { steps: plannedSteps(batches, options), resumedAt: run.resumedAt, signal });
  let atOnce = cluster ? 1 : stepsAtOnce.wanted; // in a cluster the first update brings the agreement

  const isOver = () => signal.aborted || run.step >= steps || run.evaluationsWithoutGain() >= (evaluation?.patience ?? Infinity);
  const evaluate = async () => {
    if (!evaluation || signal.aborted || run.isEvaluated) return;
    await report.evaluation(run.step, (onProgress) => run.evaluate(evaluation, stop, onProgress));
  };
  const save = async () => {
    const folder = checkpoint && run.save(checkpoint);
    if (folder !== undefined) await checkpoint?.onSaved?.(folder);
  };
  const settle = async () => {
    const { made, failure } = run.settle();
    for (const { seconds } of made.slice(-1)) stepsAtOnce.measure(seconds);
    if (run.agreed?.stop) stop.agree?.();
    atOnce = run.agreed?.stepsAtOnce ?? stepsAtOnce.wanted;
    await report.steps(made);
    if (failure !== undefined) throw failure;
  };

  if (isDue(run.step, evaluation?.everySteps) || run.step === 0) await evaluate();
  if (!isOver()) {
    try {
      for await (const update of updateBatches(batches, {
        epochs: epochsOf(options),
        gradientAccumulation,
        start: run.position,
        digests: checkpoint !== undefined,
      })) {
        run.begin(update);
        const begun = run.step + run.inFlight;
        const endsGroup = begun === steps || isDue(begun, evaluation?.everySteps) || isDue(begun, saveEvery) || signal.aborted;
        if (run.inFlight < atOnce && !endsGroup) continue;
        await settle();
        if (isDue(run.step, evaluation?.everySteps)) await evaluate();
        if (isDue(run.step, saveEvery)) await save();
        if (isOver()) break;
      }
    } finally {
      await settle(); // those in flight when the data ended, or failed
    }
  }
  await evaluate();
  await save();
  cluster?.meet(); // no worker leaves before the checkpoint is written
  if (!signal.aborted) return;
  // Written here, because the signal ends the process as soon as this work ends.
  const by = endingSignal();
  if (by && !checkpoint && run.step > 0 && cluster?.isFirst !== false) warn(lostSteps(run.step, by));
  throw new TrainingAbortedError(resultOf(run));
}

function lostSteps(step: number, signal: NodeJS.Signals): string {
  return (
    `${signal} ends this process after step ${step} of the training, and nothing of it is saved; ` +
    "with the option `checkpoint: { directory: 'run' }` it would be, and the same call would go on from there"
  );
}

/** Worker 0 reports the run. */
function workersOptions({ progress, log, ...options }: TrainOptions, { isFirst }: Cluster): TrainOptions {
  return isFirst ? { ...options, progress, log } : options;
}

/** The options that decide every update: a resumed run shares them with its checkpoint, and a worker with the others. */
function settingsOf({ gradientAccumulation = 1, maxGradNorm = 1, compile = true, precision = 'float32' }: TrainOptions) {
  return { gradientAccumulation, maxGradNorm: String(maxGradNorm), compile, precision };
}

/** The facts that a resumed run must share with its checkpoint. */
function inputsOf(model: TrainableModel, batches: BatchSource, optimizer: AdamW, options: TrainOptions): RunInputs {
  const { evaluation } = options;
  const heldOut = evaluation && typeof evaluation.batches !== 'function' && { 'held-out': dataFact(evaluation.batches, 0) };
  const once = dataFact(batches, 0);
  const again = typeof batches === 'function' ? dataFact(batches, 0) : once; // it may draw other data at each call
  const data = { ...(once === again && { training: once }), ...heldOut };
  const constants = optimizer.constantsFor([...parametersOf(model).keys()]);
  return { data, settings: { ...settingsOf(options), ...constants } };
}

/** The facts that the workers compare before they begin. */
function factsOf(run: TrainingRun, batches: BatchSource, options: TrainOptions): Readonly<Record<string, string>> {
  const { steps, epochs, evaluation, checkpoint } = options;
  const rest = { ...settingsOf(options), steps, epochs, checkpointEvery: checkpoint?.everySteps };
  const { everySteps, keepBest, patience } = evaluation ?? {};
  return {
    ...run.facts(),
    step: String(run.step),
    'training data': dataFact(batches, run.position.epoch),
    ...(evaluation && { 'held-out data': dataFact(evaluation.batches, 0) }),
    options: JSON.stringify({ ...rest, everySteps, keepBest, patience }),
  };
}

function isDue(step: number, everySteps: number | undefined): boolean {
  return everySteps !== undefined && step % everySteps === 0;
}

/** Warns where the updates to come would change nothing, as after the end of a schedule. */
function warnOfNoRate(optimizer: AdamW, updates: number): void {
  for (let update = 0; update < updates; update++) if (optimizer.learningRateAt(optimizer.step + update) > 0) return;
  if (updates <= 0) return;
  const isOver = Array.from({ length: optimizer.step }, (_, step) => optimizer.learningRateAt(step)).some((rate) => rate > 0);
  const remedy = isOver
    ? `, after ${optimizer.step} of this optimizer: give a schedule of more steps, or a new optimizer`
    : ': give a higher one';
  warn(`train: the learning rate of all ${updates} updates is 0${remedy}`);
}

function epochsOf({ steps, epochs = steps === undefined ? 1 : Infinity }: TrainOptions): number {
  return epochs;
}

/** The number of updates of the whole run, if the options and the kind of batches determine it. */
function plannedSteps(batches: BatchSource, options: TrainOptions): number | undefined {
  const { steps = Infinity, gradientAccumulation = 1 } = options;
  const inEpochs = Array.isArray(batches) ? epochsOf(options) * Math.ceil(batches.length / gradientAccumulation) : Infinity;
  const planned = Math.min(steps, inEpochs);
  return Number.isFinite(planned) ? planned : undefined;
}

function resultOf({ history, evaluations }: TrainingRun): TrainResult {
  return { loss: history.at(-1)?.loss ?? Number.NaN, history, evaluations };
}
