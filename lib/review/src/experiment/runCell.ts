/** Runs one cell of the experiment: trains and measures, or only measures. */
import nodePath from 'node:path';
import { NotFiniteError, trainOnExamples } from 'lowrank';
import { workPlan } from 'lowrank/internal';
import { readSealed, writeSealed } from '../sealedFile';
import type { RunPlan, TrialPlan } from './cellPlan';
import { TIMES } from './cellStore';
import type { ExperimentRun } from './experimentResults';
import { type CellWork, type MeasuredCell, measureCell, rounded } from './measureCell';
import { tuned } from './tunedModel';

export interface TrialResult {
  /** The lowest validation loss; null when the training diverged. */
  readonly loss: number | null;
}

export interface RunResult extends MeasuredCell {
  readonly run: ExperimentRun;
}

/** Tries a learning rate. Leaves the model unchanged. */
export async function runTrial({ method, learningRate }: TrialPlan, work: CellWork): Promise<TrialResult> {
  const { config, encoded, progress, signal } = work;
  const { steps } = config.sweep;
  const [seed = 0] = config.seeds;
  const { model, restore } = tuned(work.model, method, seed);
  try {
    const settings = { ...training(work, learningRate, seed), steps, evaluateEvery: Math.ceil(steps / 3), progress, signal };
    const { evaluations } = await trainOnExamples(model, encoded, settings);
    const after = evaluations.filter(({ step }) => step > 0);
    return { loss: rounded(Math.min(...after.map(({ loss }) => loss))) };
  } catch (error) {
    if (error instanceof NotFiniteError) return { loss: null };
    throw error;
  } finally {
    restore();
  }
}

/** Trains with the chosen rate until the validation loss no longer falls, and measures. Leaves the model unchanged. */
export async function runTraining({ method, task, seed }: RunPlan, learningRate: number, work: CellWork): Promise<RunResult> {
  const { config, encoded, folder, progress, signal } = work;
  const { model, trainableParameters, save, restore } = tuned(work.model, method, seed);
  const { maxSteps, evaluateEvery, patience, batchSize, maxLength, precision } = config;
  try {
    const clock = new EvaluationClock(nodePath.join(folder, TIMES));
    const { history, evaluations } = await trainOnExamples(model, encoded, {
      ...training(work, learningRate, seed),
      steps: maxSteps,
      evaluateEvery,
      patience,
      progress,
      signal,
      checkpoint: { directory: `${folder}/training`, everySteps: 2 * evaluateEvery },
      onEvaluation: ({ step }) => clock.note(step),
    });
    const adapterBytes = save(`${folder}/adapter`);
    const measurements = await measureCell(model, task, work);
    const plan = workPlan(model, { task: 'train', batchSize, sequenceLength: maxLength, precision });
    const run: ExperimentRun = {
      method: method.name,
      task,
      seed,
      learningRate,
      trainableParameters,
      adapterBytes,
      stepBytes: plan.bytes,
      steps: history.length,
      endedBy: history.length < maxSteps ? 'patience' : 'maxSteps',
      losses: history.map(({ loss }) => rounded(loss)),
      evaluations: evaluations.map(({ step, loss }) => ({ step, loss: rounded(loss), seconds: clock.at(step) })),
      tokensPerSecond: Math.round(median(history.map(({ tokensPerSecond }) => tokensPerSecond))),
      ...(measurements.threshold !== undefined && { threshold: measurements.threshold }),
    };
    return { run, ...measurements };
  } finally {
    restore();
  }
}

function training({ config, tokenizer }: CellWork, learningRate: number, seed: number) {
  const { batchSize, maxLength, precision, pack, warmupSteps } = config;
  const padTokenId = tokenizer.eosTokenId ?? 0;
  return {
    batchSize,
    padTokenId,
    precision,
    ...(pack && { pack: maxLength }),
    warmupSteps,
    learningRate,
    seed,
    schedule: 'constant' as const,
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Seconds of training until each evaluation; a resumed run continues from the last one that was noted. */
class EvaluationClock {
  private readonly noted: Record<string, number>;
  private readonly begin: number;

  constructor(private readonly path: string) {
    const remedy = `remove ${nodePath.dirname(path)} to run the cell again`;
    this.noted = { ...readSealed(path, remedy) } as Record<string, number>;
    this.begin = performance.now() - 1000 * Math.max(0, ...Object.values(this.noted));
  }

  note(step: number): void {
    this.noted[step] = Math.round((performance.now() - this.begin) / 100) / 10;
    writeSealed(this.path, 'times', this.noted);
  }

  at(step: number): number {
    return this.noted[step] ?? Number.NaN;
  }
}
