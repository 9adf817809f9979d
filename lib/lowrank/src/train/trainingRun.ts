/** The state of a run, and the steps that change it: an update, an evaluation, a checkpoint. */
import { AbortedError, NotFiniteError, StateError, tf } from '../runtime';
import { warn } from '../runtime/messages/warn';
import { BestWeights } from './checkpoints/bestWeights';
import { type CheckpointPlace, loadRun, type RunState, saveRun } from './checkpoints/runCheckpoint';
import { type RunInputs, type RunSetup, setupOf } from './checkpoints/runSetup';
import { runFacts } from './cluster/join/runFacts';
import type { Stop } from './cluster/update/agreedStop';
import type { Wishes } from './cluster/update/agreement';
import { realTokens } from './data/batch';
import type { DataPosition, UpdateBatches } from './data/updateBatches';
import { evaluateLoss, lowestLoss } from './evaluateLoss';
import type { EvaluationPlan } from './evaluationPlan';
import type { AdamW } from './optimizer/adamw';
import type { EvaluationRecord, StepRecord } from './progress/runRecords';
import type { MadeUpdate } from './progress/runReport';
import type { StepSetup } from './step/compiledStep';
import { InFlight } from './step/inFlight';
import { parametersOf, type TrainableModel } from './trainableModel';

/** The outcome of the updates in flight. */
interface Settled {
  /** The updates that were made: the weights, the optimizer's count and the history include them. */
  readonly made: readonly MadeUpdate[];
  /** The reason why the others changed nothing. */
  readonly failure?: unknown;
}

/** One training of one model. */
export class TrainingRun {
  readonly history: StepRecord[] = [];
  readonly evaluations: EvaluationRecord[] = [];
  /** The position of the next update's data. */
  position: DataPosition = { epoch: 0, batch: 0 };
  /** The step of the checkpoint from which it was resumed, if any. */
  resumedAt?: number;
  private readonly best = new BestWeights();
  /** The content of the newest checkpoint. */
  private saved?: { readonly step: number; readonly evaluations: number; readonly path: string };
  /** The set-up of the run at its beginning, if checkpoints are saved. */
  private setup?: RunSetup;
  private readonly model: TrainableModel;
  private readonly optimizer: AdamW;
  private readonly queue: InFlight;
  private readonly begun: UpdateBatches[] = [];
  /** The time at which the oldest update in flight began, in milliseconds. */
  private beginning = 0;

  constructor(private readonly stepSetup: StepSetup) {
    this.model = stepSetup.model;
    this.optimizer = stepSetup.optimizer;
    this.queue = new InFlight(stepSetup);
  }

  /** Updates made. */
  get step(): number {
    return this.history.length;
  }

  /** Whether the model has been evaluated in its present state. */
  get isEvaluated(): boolean {
    return this.evaluations.at(-1)?.step === this.step;
  }

  /** The number of latest evaluations that did not lower the held-out loss. */
  evaluationsWithoutGain(): number {
    const losses = this.evaluations.map(({ loss }) => loss);
    return losses.length - 1 - losses.indexOf(lowestLoss(losses));
  }

  /** In a cluster: the agreement of all workers as of the newest update, the same in each of them. */
  get agreed(): Wishes | undefined {
    return this.queue.agreed;
  }

  /** Updates that have begun and are not in the history yet. */
  get inFlight(): number {
    return this.begun.length;
  }

  /** Begins another update: its inputs are sent to the device before the first update of its group makes the device busy. */
  begin(update: UpdateBatches): void {
    if (this.begun.length === 0) this.beginning = performance.now();
    this.queue.push(update.batches);
    this.begun.push(update);
  }

  /**
   * Makes the updates in flight. All are counted before any is reported: the history then agrees with the weights and the optimizer even if
   * a callback throws. Their time is divided evenly.
   *
   * The result's `failure` is a NotFiniteError if a loss or a gradient is NaN or infinite, or else the error of an update: neither that
   * update nor a later one has changed anything.
   */
  settle(): Settled {
    const updates = this.begun.splice(0);
    const counted = this.optimizer.step;
    const { dropoutStep } = this.model;
    const { numbers: all, error } = this.queue.settle();
    const seconds = (performance.now() - this.beginning) / 1000 / updates.length;
    const made: MadeUpdate[] = [];
    const endedBy = (failure: unknown): Settled => {
      this.takeBackDropout(dropoutStep, updates.slice(0, made.length));
      return { made, failure };
    };
    for (const [index, { loss, gradNorm }] of all.entries()) {
      const { batches, start, end } = updates[index] as UpdateBatches; // never more numbers than updates
      if (!Number.isFinite(loss) || !Number.isFinite(gradNorm)) {
        return endedBy(new NotFiniteError(notFinite(this.step + 1, start, { loss, gradNorm })));
      }
      const tokens = batches.reduce((total, batch) => total + realTokens(batch), 0);
      const learningRate = this.optimizer.learningRateAt(counted + index);
      const record = { step: this.step + 1, loss, learningRate, gradNorm, tokensPerSecond: tokens / seconds };
      this.history.push(record);
      this.position = end;
      made.push({ record, tokens, seconds });
    }
    return error === undefined ? { made } : endedBy(error);
  }

  /** Only the updates that were made have used dropout masks since `before`: the next updates get the masks of the others. */
  private takeBackDropout(before: number | undefined, made: readonly UpdateBatches[]): void {
    if (before === undefined) return;
    this.model.dropoutStep = made.reduce((total, { batches }) => total + batches.length, before);
  }

  /** Evaluates the model in its present state; undefined if the signal ended the evaluation. */
  async evaluate(
    { batches, keepBest = false }: EvaluationPlan,
    stop: Stop,
    onProgress?: (done: number, batches: number | undefined) => void,
  ): Promise<EvaluationRecord | undefined> {
    const heldOut = typeof batches === 'function' ? batches() : batches;
    const total = Array.isArray(heldOut) ? heldOut.length : undefined;
    const options = {
      signal: stop.asked ?? stop.signal,
      onProgress: (done: number) => onProgress?.(done, total),
      compile: this.stepSetup.compile,
      precision: this.stepSetup.precision,
      cluster: this.stepSetup.cluster,
    };
    try {
      const evaluation = await evaluateLoss(this.model, heldOut, options);
      const record = { step: this.step, ...evaluation };
      this.evaluations.push(record);
      if (this.evaluationsWithoutGain() === 0) this.best.take(keepBest ? parametersOf(this.model) : []);
      return record;
    } catch (error) {
      if (!(error instanceof AbortedError)) throw error;
      stop.agree?.(); // some worker of the cluster was asked
      if (stop.signal.aborted) return undefined;
      throw error;
    }
  }

  /** Restores the weights of the best evaluation. */
  restoreBest(): void {
    this.best.restore(parametersOf(this.model));
  }

  /**
   * Saves everything that the rest of the run depends on, unless it was saved since the last update or evaluation. In a cluster, the first
   * worker saves.
   *
   * @returns the folder of the checkpoint, if one was written.
   */
  save(place: CheckpointPlace): string | undefined {
    if (this.saved?.step === this.step && this.saved.evaluations === this.evaluations.length) return undefined;
    if (this.stepSetup.cluster?.isFirst === false) return undefined;
    const { model, best, position, history, evaluations } = this;
    const optimizer = this.optimizer.state();
    const { dropoutStep } = model;
    const dropoutSeeds = Object.fromEntries(Array.from(model.dropoutSeeds?.() ?? [], ([name, seed]) => [name, seed.dataSync()[0] ?? 0]));
    const { setup } = this;
    if (!setup) throw new StateError('a run is saved only where it could have been resumed: call resume() before the first update');
    const replaced = this.saved?.step === this.step ? this.saved.path : undefined;
    const weights = Object.fromEntries(parametersOf(model));
    try {
      const run = { weights, best: best.tensors, optimizer, dropoutStep, dropoutSeeds, position, history, evaluations, setup };
      const path = saveRun(place, run, replaced);
      this.noteSaved(path);
      return path;
    } finally {
      tf.dispose(optimizer.tensors);
    }
  }

  /**
   * Resumes the run from the newest checkpoint in the directory, if there is one.
   *
   * @throws StateError when the checkpoint belongs to another run, or lacks the best weights for `keepBest`; the model is unchanged then.
   */
  resume({ directory }: CheckpointPlace, inputs: RunInputs, keepBest = false): void {
    this.setup = { ...setupOf(this.model), inputs };
    const saved = loadRun(directory, parametersOf(this.model), this.setup);
    if (!saved) return;
    try {
      if (keepBest) checkBest(saved);
      this.takeUp(saved);
    } finally {
      tf.dispose([saved.weights, saved.best, saved.optimizer.tensors]);
    }
  }

  /** The facts that identify the run; the workers of a cluster compare them at the beginning. */
  facts(): Readonly<Record<string, string>> {
    return runFacts(this.model, this.optimizer, this.setup ?? setupOf(this.model));
  }

  private takeUp({
    weights,
    best,
    optimizer,
    dropoutStep,
    dropoutSeeds,
    position,
    history,
    evaluations,
    path,
  }: RunState & { readonly path: string }): void {
    this.optimizer.restore(optimizer);
    for (const [name, variable] of parametersOf(this.model)) variable.assign(weights[name] as tf.Tensor); // there, as checked
    if (dropoutStep !== undefined) this.model.dropoutStep = dropoutStep;
    for (const [name, variable] of this.model.dropoutSeeds?.() ?? []) {
      const seed = dropoutSeeds[name];
      if (seed !== undefined) tf.tidy(() => variable.assign(tf.scalar(seed, 'int32')));
    }
    this.best.take(Object.entries(best));
    this.warnOfOtherRates(path, history);
    for (const record of history) this.history.push(record); // a call takes fewer arguments than a long run has updates
    for (const record of evaluations) this.evaluations.push(record);
    this.position = position;
    this.resumedAt = this.step;
    this.noteSaved(path);
  }

  /** The rest of the run follows the schedule that was given now. */
  private warnOfOtherRates(path: string, history: readonly StepRecord[]): void {
    const earlier = this.optimizer.step - history.length;
    const other = history.findLast(({ step, learningRate }) => learningRate !== this.optimizer.learningRateAt(earlier + step - 1));
    if (!other) return;
    const rates = `${other.learningRate}, and this one gives it ${this.optimizer.learningRateAt(earlier + other.step - 1)}`;
    warn(`${path}: its schedule gave update ${other.step} the learning rate ${rates}; the rest of the run follows the new schedule`);
  }

  private noteSaved(path: string): void {
    this.saved = { step: this.step, evaluations: this.evaluations.length, path };
  }

  dispose(): void {
    this.queue.dispose();
    this.best.dispose();
  }
}

/** @throws StateError when the weights of the lowest loss were not kept. */
function checkBest({ path, best, evaluations }: RunState & { readonly path: string }): void {
  if (Object.keys(best).length > 0 || evaluations.every(({ loss }) => Number.isNaN(loss))) return;
  throw new StateError(
    `${path} was saved without keepBest and has no weights of its lowest held-out loss: leave keepBest out, or take another folder`,
  );
}

function notFinite(step: number, { epoch, batch }: DataPosition, { loss, gradNorm }: { loss: number; gradNorm: number }): string {
  const what = Number.isFinite(loss) ? `the gradients' norm is ${gradNorm} (at a loss of ${loss})` : `the loss is ${loss}`;
  const advice = 'no weight has been changed; try a lower learning rate, or look at that batch';
  return `${what} at step ${step}, batch ${batch} of epoch ${epoch}: ${advice}`;
}
