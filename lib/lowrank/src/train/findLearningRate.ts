/** Finds a learning rate with a range test (Smith 2017, arXiv 1506.01186, section 3.3). */
import { ArgumentError, NotFiniteError, tf } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import type { Batch } from './data/batch';
import { AdamW } from './optimizer/adamw';
import type { StepRecord } from './progress/runRecords';
import { train } from './train';
import { parametersOf, type TrainableModel } from './trainableModel';
import { TrainingAbortedError } from './trainOptions';

/** The options of the range test. */
export interface FindLearningRateOptions {
  /** @defaultValue 1e-6 */
  readonly lowest?: number;
  /** @defaultValue 1 */
  readonly highest?: number;
  /** Number of updates, each with a higher rate than the previous one. @defaultValue 60 */
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

/** The result of the range test. */
export interface FoundLearningRate {
  /** A tenth of the rate with the lowest smoothed loss. */
  readonly suggestion: number;
  /** Every tested rate and its smoothed loss. */
  readonly curve: readonly { readonly learningRate: number; readonly loss: number }[];
}

/** The weight of the newest loss in the smoothed loss. */
const NEWEST = 0.2;
/** A loss of this many times the lowest ends the test. */
const DIVERGED = 4;

/**
 * Trains with a rate that rises at each step until the loss diverges, then restores every weight.
 *
 * @throws ArgumentError for an invalid range; AbortedError when the signal ends it.
 */
export async function findLearningRate(
  model: TrainableModel,
  batches: readonly Batch[],
  options: FindLearningRateOptions = {},
): Promise<FoundLearningRate> {
  checkKnown('findLearningRate', options, ['lowest', 'highest', 'steps', 'signal']);
  const { lowest = 1e-6, highest = 1, steps = 60, signal } = options;
  if (!(lowest > 0 && highest > lowest && highest < Infinity)) throw new ArgumentError(`lowest ${lowest} must be below highest ${highest}`);
  const rate = (step: number) => lowest * (highest / lowest) ** (step / Math.max(1, steps - 1));
  const optimizer = new AdamW({ learningRate: rate, weightDecay: 0 });
  const before = Array.from(parametersOf(model), ([, variable]) => ({ variable, value: tf.keep(variable.clone()) }));
  const { dropoutStep } = model;
  const stop = new AbortController();
  const curve: { learningRate: number; loss: number }[] = [];
  let least = Number.POSITIVE_INFINITY;
  const onStep = ({ learningRate, loss }: StepRecord) => {
    const last = curve.at(-1)?.loss ?? loss;
    curve.push({ learningRate, loss: last + NEWEST * (loss - last) });
    least = Math.min(least, last + NEWEST * (loss - last));
    if (loss > DIVERGED * least) stop.abort();
  };
  try {
    const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    await train(model, batches, { optimizer, steps, stepsAtOnce: 1, signal: either, onStep }).catch((error: unknown) => {
      const isEnd = error instanceof NotFiniteError || (error instanceof TrainingAbortedError && stop.signal.aborted);
      if (!isEnd || curve.length === 0) throw error;
    });
  } finally {
    for (const { variable, value } of before) variable.assign(value);
    if (dropoutStep !== undefined) model.dropoutStep = dropoutStep;
    tf.dispose(before.map(({ value }) => value));
    optimizer.dispose();
  }
  const best = curve.reduce((a, b) => (b.loss < a.loss ? b : a));
  return { suggestion: best.learningRate / 10, curve };
}
