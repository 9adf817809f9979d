/** One cell of the experiment: a method, task and seed, trained and measured; or the untuned base model on one task. */

import {
  countParameters,
  evaluateLoss,
  getPeftModel,
  type LlamaForCausalLM,
  makeBatches,
  type PeftModel,
  type ProgressDisplay,
} from 'lowrank';
import { encodeTask, fineTune } from '../fineTune';
import { type Prediction, predictReviews } from '../predictReviews';
import type { ReviewTask } from '../prompts';
import type { ReviewExample, ReviewSplits } from '../reviewExample';
import type { ReviewerModel, ReviewerTokenizer } from '../reviewerModel';
import { type ExperimentConfig, type ExperimentMethod, methodConfig } from './experimentConfig';
import type { ExperimentRun } from './experimentResults';

/** What to run; without a method, the base model. */
export interface CellPlan {
  readonly method?: ExperimentMethod;
  readonly task: ReviewTask;
  readonly seed: number;
}

/** One recorded answer. */
export interface Answer {
  readonly text: string;
  readonly probability?: number;
}

/** The mean loss over held-out examples. */
export interface MeasuredLoss {
  readonly loss: number;
  readonly tokens: number;
}

/** The result of a cell, from which every table can be rebuilt. */
export interface CellResult {
  readonly run?: ExperimentRun;
  readonly trainableParameters: number;
  /** Answers to the test examples, in order. */
  readonly answers: readonly Answer[];
  /** Answers to the validation examples in the necessity task, which set the threshold. */
  readonly validationAnswers: readonly Answer[];
  readonly losses: readonly MeasuredLoss[];
}

/** Inputs that all cells share. */
export interface CellWork {
  readonly model: LlamaForCausalLM;
  readonly tokenizer: ReviewerTokenizer;
  readonly config: ExperimentConfig;
  /** The drawn examples of the task. */
  readonly splits: ReviewSplits;
  /** Folder for the training run of this cell, and then its adapter. */
  readonly folder: string;
  readonly progress?: ProgressDisplay;
  readonly signal?: AbortSignal;
}

/** Trains (unless the cell is the base model) and measures. Leaves the model unchanged. */
export async function runCell(plan: CellPlan, work: CellWork): Promise<CellResult> {
  if (!plan.method) return { trainableParameters: 0, ...(await measured(work.model, plan.task, work)) };
  const peft = getPeftModel(work.model, methodConfig(plan.method), { seed: plan.seed });
  try {
    const { trainable } = countParameters(peft);
    const run = await trained(peft, plan.method, plan, work, trainable);
    peft.savePretrained(`${work.folder}/adapter`);
    return { run, trainableParameters: trainable, ...(await measured(peft, plan.task, work)) };
  } finally {
    peft.unload();
  }
}

async function trained(
  peft: PeftModel,
  method: ExperimentMethod,
  { task, seed }: CellPlan,
  { tokenizer, config, splits, folder, progress, signal }: CellWork,
  trainableParameters: number,
): Promise<ExperimentRun> {
  const begin = performance.now();
  const steps = config.steps[task];
  const evaluateEvery = Math.ceil(steps / config.evaluations);
  const { history, evaluations, learningRate } = await fineTune(peft, tokenizer, task, splits, {
    steps,
    batchSize: config.batchSize,
    gradientAccumulation: config.gradientAccumulation,
    maxLength: config.maxLength,
    evaluateEvery,
    precision: config.precision,
    pack: config.pack,
    learningRate: method.learningRate,
    seed,
    progress,
    signal,
    checkpoint: { directory: `${folder}/training`, everySteps: Math.min(evaluateEvery, 50) },
  });
  return {
    method: method.name,
    task,
    seed,
    steps: history.length,
    losses: history.map(({ loss }) => rounded(loss)),
    evaluations: evaluations.map(({ step, loss }) => ({ step, loss: rounded(loss) })),
    learningRate,
    trainableParameters,
    seconds: Math.round((performance.now() - begin) / 100) / 10,
  };
}

async function measured(
  model: ReviewerModel & Parameters<typeof evaluateLoss>[0],
  task: ReviewTask,
  { tokenizer, config, splits, signal }: CellWork,
): Promise<Pick<CellResult, 'answers' | 'validationAnswers' | 'losses'>> {
  const { maxLength, batchSize } = config;
  const maxNewTokens = task === 'necessity' ? 1 : config.maxNewTokens[task];
  const options = { maxLength: maxLength + maxNewTokens, maxNewTokens, batchSize: config.answersAtOnce, signal };
  const answers = async (examples: readonly ReviewExample[]) =>
    (await predictReviews(model, tokenizer, task, examples, options)).map(answerOf);
  const encoded = encodeTask(tokenizer, task, splits.test, { maxLength }).flatMap((example) => example ?? []);
  const losses: MeasuredLoss[] = [];
  const form = config.pack ? { pack: maxLength } : { bucketByLength: true };
  for (const batch of makeBatches(encoded, { batchSize, padTokenId: tokenizer.eosTokenId ?? 0, ...form })) {
    const { loss, tokens } = await evaluateLoss(model, [batch], { precision: config.precision, signal });
    losses.push({ loss: rounded(loss), tokens });
  }
  return { answers: await answers(splits.test), validationAnswers: task === 'necessity' ? await answers(splits.validation) : [], losses };
}

function answerOf({ text, probability }: Prediction): Answer {
  return probability === undefined ? { text } : { text, probability };
}

function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
