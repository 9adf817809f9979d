/** Trains an adapter on one of the tasks. */
import {
  ArgumentError,
  type EncodedExample,
  type TrainOnExamplesOptions,
  type TrainOnExamplesResult,
  type TunedModel,
  trainOnExamples,
} from 'lowrank';
import { checkKnown, encodeExamples, TRAINING_OPTIONS } from 'lowrank/internal';
import { isExampleOf, type PromptOptions, type ReviewTask, reviewPrompt } from './prompts';
import type { ReviewExample } from './reviewExample';
import type { ReviewerTokenizer } from './reviewerModel';

/** Training and validation examples. */
export interface FineTuneData {
  readonly train: readonly ReviewExample[];
  /** Held-out examples; training keeps the weights with the lowest loss on them. */
  readonly validation?: readonly ReviewExample[];
}

/** Settings of a training run. */
export interface FineTuneOptions extends PromptOptions, Omit<TrainOnExamplesOptions, 'pack' | 'padTokenId'> {
  /** Maximum tokens per example; longer code is cut. @defaultValue 512 */
  readonly maxLength?: number;
  /** Fill each row of `maxLength` tokens with several examples, instead of padding. @defaultValue false */
  readonly pack?: boolean;
}

/** The result of a training run. */
export interface FineTuneResult extends TrainOnExamplesResult {
  /** Examples skipped because their prompt exceeds `maxLength` even without its code. */
  readonly leftOut: number;
}

/**
 * Fine-tunes the active adapter of a PeftModel on one task, or a whole model. With validation data, the model ends with the weights of the
 * lowest validation loss.
 *
 * @throws ArgumentError for an unknown option, when `steps` is not a whole number from 1 up, or when no example of the task fits, also
 * among validation examples that are given; plus any error of `train`.
 */
export async function fineTune(
  model: TunedModel,
  tokenizer: ReviewerTokenizer,
  task: ReviewTask,
  data: FineTuneData,
  options: FineTuneOptions,
): Promise<FineTuneResult> {
  checkKnown('fineTune', options, [...TRAINING_OPTIONS, 'maxLength', 'pack', 'languageLabel']);
  const { maxLength = 512, pack = false, languageLabel, ...training } = options;
  const encoded = encodeTask(tokenizer, task, data.train, { maxLength, languageLabel });
  const train = encoded.flatMap((example) => example ?? []);
  if (train.length === 0)
    throw new ArgumentError(`none of ${data.train.length} examples belongs to the ${task} task and fits ${maxLength} tokens`);
  const { validation: heldOut = [] } = data;
  const validation = encodeTask(tokenizer, task, heldOut, { maxLength, languageLabel }).flatMap((example) => example ?? []);
  if (heldOut.length > 0 && validation.length === 0)
    throw new ArgumentError(`none of ${heldOut.length} validation examples belongs to the ${task} task and fits ${maxLength} tokens`);
  const settings = { ...training, padTokenId: tokenizer.eosTokenId ?? 0, ...(pack && { pack: maxLength }) };
  const result = await trainOnExamples(model, { train, validation }, settings);
  return { ...result, leftOut: encoded.length - train.length };
}

/** Encodes the examples of the task and drops those of other tasks; undefined marks one that does not fit. */
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
