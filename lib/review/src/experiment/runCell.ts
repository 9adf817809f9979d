/** Runs one cell of the experiment: trains and measures, or only measures. */
import nodePath from 'node:path';
import {
  type EncodedExample,
  evaluateLoss,
  type LlamaForCausalLM,
  makeBatches,
  NotFiniteError,
  type PeftModel,
  type ProgressDisplay,
  trainOnExamples,
} from 'lowrank';
import { workPlan } from 'lowrank/internal';
import { type Prediction, predictReviews } from '../predictReviews';
import type { ReviewTask } from '../prompts';
import type { ReviewExample, ReviewSplits } from '../reviewExample';
import type { ReviewerTokenizer } from '../reviewerModel';
import { bestThreshold } from '../scores/scoreReviews';
import type { BasePlan, RunPlan, TrialPlan } from './cellPlan';
import { EvaluationClock } from './evaluationClock';
import type { ExperimentConfig } from './experimentConfig';
import type { ExperimentRun } from './experimentResults';
import type { PlainTexts } from './plainTexts';
import { tuned } from './tunedModel';

/** One recorded answer. */
export interface Answer {
  readonly text: string;
  readonly probability?: number;
}

/** The mean loss over some tokens, in nats. */
export interface MeasuredLoss {
  readonly loss: number;
  readonly tokens: number;
}

/** The result of a trial. */
export interface TrialResult {
  /** The lowest validation loss; null when the training diverged. */
  readonly loss: number | null;
}

/** Measurements of a model, from which every row can be rebuilt. */
export interface MeasuredCell {
  /** Answers to the test examples, in order. */
  readonly answers: readonly Answer[];
  /** Necessity: the threshold with the best F1 on the validation part. */
  readonly threshold?: number;
  /** Losses on the test responses, per batch. */
  readonly losses: readonly MeasuredLoss[];
  /** Losses on each plain text. */
  readonly code: readonly MeasuredLoss[];
  readonly english: readonly MeasuredLoss[];
}

/** The result of a training run. */
export interface RunResult extends MeasuredCell {
  readonly run: ExperimentRun;
}

/** Encoded examples of one task. */
export type EncodedSplits = Readonly<Record<keyof ReviewSplits, readonly EncodedExample[]>>;

/** Inputs that all cells share. */
export interface CellWork {
  readonly model: LlamaForCausalLM;
  readonly tokenizer: ReviewerTokenizer;
  readonly config: ExperimentConfig;
  /** The drawn examples of the task. */
  readonly splits: ReviewSplits;
  /** The same, encoded; those that do not fit are left out. */
  readonly encoded: EncodedSplits;
  readonly texts: PlainTexts;
  /** Folder for the training run of this cell, and then its adapter. */
  readonly folder: string;
  readonly progress?: ProgressDisplay;
  readonly signal?: AbortSignal;
}

/** Measures the untuned model. */
export function runBase({ task }: BasePlan, work: CellWork): Promise<MeasuredCell> {
  return measured(work.model, task, work);
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
    const clock = new EvaluationClock(nodePath.join(folder, 'seconds.json'));
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
    const measurements = await measured(model, task, work);
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

async function measured(model: PeftModel | LlamaForCausalLM, task: ReviewTask, work: CellWork): Promise<MeasuredCell> {
  const { tokenizer, config, splits, texts, signal } = work;
  const { maxLength, batchSize } = config;
  const maxNewTokens = task === 'necessity' ? 1 : config.maxNewTokens[task];
  const options = { maxLength: maxLength + maxNewTokens, maxNewTokens, batchSize: config.answersAtOnce, signal };
  const predictions = (examples: readonly ReviewExample[]) => predictReviews(model, tokenizer, task, examples, options);
  const threshold = task === 'necessity' ? bestThreshold(await predictions(splits.validation)).threshold : undefined;
  const padTokenId = tokenizer.eosTokenId ?? 0;
  const form = config.pack ? { pack: maxLength } : { bucketByLength: true };
  const losses = await lossesOf(model, makeBatches(work.encoded.test, { batchSize, padTokenId, ...form }), work);
  const plain = (list: readonly string[]) => {
    const rows = list.map((text) => wholeText(tokenizer.encode(text).slice(0, maxLength)));
    return lossesOf(model, makeBatches(rows, { batchSize: 1, padTokenId }), work);
  };
  return {
    answers: (await predictions(splits.test)).map(answerOf),
    ...(threshold !== undefined && { threshold }),
    losses,
    code: await plain(texts.code),
    english: await plain(texts.english),
  };
}

async function lossesOf(
  model: PeftModel | LlamaForCausalLM,
  batches: ReturnType<typeof makeBatches>,
  { config: { precision }, signal }: CellWork,
): Promise<MeasuredLoss[]> {
  const losses: MeasuredLoss[] = [];
  for (const batch of batches) {
    const { loss, tokens } = await evaluateLoss(model, [batch], { precision, signal });
    losses.push({ loss: rounded(loss), tokens });
  }
  return losses;
}

/** Every token is predicted from those before it. */
function wholeText(ids: readonly number[]): EncodedExample {
  return { inputIds: [...ids], labels: [...ids] };
}

function answerOf({ text, probability }: Prediction): Answer {
  return probability === undefined ? { text } : { text, probability };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
