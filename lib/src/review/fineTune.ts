/** Training an adapter on one of the tasks: examples in, tokens, batches, and the training loop with the method's own settings. */
import type { PeftModel } from '../peft';
import { ArgumentError, deriveSeed, ShapeError, shuffled } from '../runtime';
import { checkWhole } from '../runtime/checkWhole';
import {
  AdamW,
  cosineSchedule,
  type EvaluationOptions,
  type Example,
  makeBatches,
  methodDefaults,
  type Schedule,
  type TrainOptions,
  type TrainResult,
  train,
} from '../train';
import { encodeExample } from './encodeExample';
import { isExampleOf, type PromptOptions, type ReviewTask, reviewPrompt } from './prompts';
import type { ReviewExample } from './reviewExample';
import type { ReviewerTokenizer } from './reviewerModel';

/** What to learn from. */
export interface FineTuneData {
  readonly train: readonly ReviewExample[];
  /** Held out: its loss is measured, and the weights at its lowest are kept. */
  readonly validation?: readonly ReviewExample[];
}

/** How to learn. */
export interface FineTuneOptions
  extends PromptOptions,
    Pick<TrainOptions, 'signal' | 'onStep' | 'progress' | 'checkpoint' | 'log' | 'compile' | 'precision'> {
  /** Updates. */
  readonly steps: number;
  /** Examples per batch; of packed rows, rows. @defaultValue 4 */
  readonly batchSize?: number;
  /** Batches per update. @defaultValue 1 */
  readonly gradientAccumulation?: number;
  /** Most tokens of an example; longer code is cut. @defaultValue 512 */
  readonly maxLength?: number;
  /** Fill each row of `maxLength` tokens with several examples, instead of padding. @defaultValue false */
  readonly pack?: boolean;
  /** The highest one: the updates climb to it and leave it along a cosine. @defaultValue the method's, see `methodDefaults` */
  readonly learningRate?: number;
  /** What the order of the examples is drawn from. @defaultValue 0 */
  readonly seed?: number;
  /** Updates between two evaluations. @defaultValue a fifth of all */
  readonly evaluateEvery?: number;
  /** Ends the run after so many evaluations without a lower loss. @defaultValue never */
  readonly patience?: EvaluationOptions['patience'];
  readonly onEvaluation?: EvaluationOptions['onEvaluation'];
}

/** How it went. */
export interface FineTuneResult extends TrainResult {
  readonly learningRate: number;
  /** Examples left out because not even their prompt without code fits `maxLength`. */
  readonly leftOut: number;
}

/**
 * Fine-tunes the model's active adapter on one task, and leaves it at its lowest validation loss where there is validation data.
 *
 * @throws ArgumentError when `steps` is not a whole number from 1 up, or no example is of the task or fits; what `train` throws.
 */
export async function fineTune(
  model: PeftModel,
  tokenizer: ReviewerTokenizer,
  task: ReviewTask,
  data: FineTuneData,
  options: FineTuneOptions,
): Promise<FineTuneResult> {
  const { steps, batchSize = 4, gradientAccumulation = 1, seed = 0, pack = false, maxLength = 512 } = options;
  checkWhole('steps', steps);
  const encoded = encodeTask(tokenizer, task, data.train, options);
  const examples = encoded.flatMap((example) => example ?? []);
  if (examples.length === 0)
    throw new ArgumentError(`none of ${data.train.length} examples is of the ${task} task and fits ${maxLength} tokens`);
  const batching = { batchSize, padTokenId: tokenizer.eosTokenId ?? 0, ...(pack ? { pack: maxLength } : { bucketByLength: true }) };
  const validation = encodeTask(tokenizer, task, data.validation ?? [], options).flatMap((example) => example ?? []);

  const defaults = methodDefaults({ peftType: model.peftType }, batchSize * gradientAccumulation);
  const { learningRate = defaults.learningRate } = options;
  const schedule = learningRates(learningRate, Math.round(defaults.warmupShare * steps), steps);
  const optimizer = new AdamW({ ...defaults, learningRate: schedule });
  try {
    const result = await train(model, (epoch) => makeBatches(examples, { ...batching, seed: deriveSeed(seed, 1), epoch }), {
      optimizer,
      steps,
      gradientAccumulation,
      ...(validation.length > 0 && {
        evaluation: {
          batches: makeBatches(validation, batching),
          everySteps: options.evaluateEvery ?? Math.max(1, Math.ceil(steps / 5)),
          keepBest: true,
          patience: options.patience,
          onEvaluation: options.onEvaluation,
        },
      }),
      compile: options.compile,
      precision: options.precision,
      signal: options.signal,
      onStep: options.onStep,
      progress: options.progress,
      checkpoint: options.checkpoint,
      log: options.log,
    });
    return { ...result, learningRate, leftOut: encoded.length - examples.length };
  } finally {
    optimizer.dispose();
  }
}

/**
 * `warmupSteps` updates climb to the peak, which the next one has, and the rest come down as in {@link cosineSchedule}; the rates of 0 lie
 * before the first update and after the last, so that none is made in vain.
 */
function learningRates(peak: number, warmupSteps: number, steps: number): Schedule {
  const schedule = cosineSchedule({ peak, warmupSteps: warmupSteps + 1, totalSteps: steps + 1 });
  return (step) => schedule(step + 1);
}

/** So many of the examples of a task, drawn by the seed; a larger number holds the smaller one's. */
export function drawExamples(task: ReviewTask, examples: readonly ReviewExample[], count: number, seed = 1): ReviewExample[] {
  return shuffled(
    examples.filter((example) => isExampleOf(task, example)),
    seed,
  ).slice(0, count);
}

/** The examples of the task in tokens, those of other tasks left out; undefined for one that does not fit. */
export function encodeTask(
  tokenizer: ReviewerTokenizer,
  task: ReviewTask,
  examples: readonly ReviewExample[],
  { maxLength = 512, languageLabel }: Pick<FineTuneOptions, 'maxLength' | 'languageLabel'>,
): (Example | undefined)[] {
  const own = examples.filter((example) => isExampleOf(task, example));
  return own.map((example) => {
    try {
      return encodeExample(tokenizer, reviewPrompt(task, example, { languageLabel }), { maxLength });
    } catch (error) {
      if (error instanceof ShapeError) return undefined;
      throw error;
    }
  });
}
