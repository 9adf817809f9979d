/** Training an adapter on one of the tasks. */
import {
  ArgumentError,
  type EncodedExample,
  type PeftModel,
  type TrainOnExamplesOptions,
  type TrainOnExamplesResult,
  trainOnExamples,
} from 'lowrank';
import { encodeExamples, shuffled } from 'lowrank/internal';
import { isExampleOf, type PromptOptions, type ReviewTask, reviewPrompt } from './prompts';
import type { ReviewExample } from './reviewExample';
import type { ReviewerTokenizer } from './reviewerModel';

/** What is learned, and what is held out. */
export interface FineTuneData {
  readonly train: readonly ReviewExample[];
  /** Held out: its loss is measured, and the weights at its lowest are kept. */
  readonly validation?: readonly ReviewExample[];
}

/** How to learn. */
export interface FineTuneOptions extends PromptOptions, Omit<TrainOnExamplesOptions, 'pack' | 'padTokenId'> {
  /** Maximum tokens per example; longer code is cut. @defaultValue 512 */
  readonly maxLength?: number;
  /** Fill each row of `maxLength` tokens with several examples, instead of padding. @defaultValue false */
  readonly pack?: boolean;
}

/** How it went. */
export interface FineTuneResult extends TrainOnExamplesResult {
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
  { maxLength = 512, pack = false, languageLabel, ...options }: FineTuneOptions,
): Promise<FineTuneResult> {
  const encoded = encodeTask(tokenizer, task, data.train, { maxLength, languageLabel });
  const train = encoded.flatMap((example) => example ?? []);
  if (train.length === 0)
    throw new ArgumentError(`none of ${data.train.length} examples is of the ${task} task and fits ${maxLength} tokens`);
  const validation = encodeTask(tokenizer, task, data.validation ?? [], { maxLength, languageLabel }).flatMap((example) => example ?? []);
  const settings = { ...options, padTokenId: tokenizer.eosTokenId ?? 0, ...(pack && { pack: maxLength }) };
  const result = await trainOnExamples(model, { train, validation }, settings);
  return { ...result, leftOut: encoded.length - train.length };
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
): (EncodedExample | undefined)[] {
  const own = examples.filter((example) => isExampleOf(task, example));
  const prompts = own.map((example) => reviewPrompt(task, example, { languageLabel }));
  return encodeExamples(tokenizer, prompts, { maxLength });
}
