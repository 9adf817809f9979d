/** Answers the examples of a task with a model. */

import { ArgumentError, type GenerateOptions } from 'lowrank';
import { checkKnown, encodePrompt } from 'lowrank/internal';
import { answerBudget } from './answerBudget';
import { answerInGroups, type Held } from './answerInGroups';
import { type PromptOptions, type ReviewPrompt, type ReviewTask, reviewPrompt } from './prompts';
import type { ReviewExample } from './reviewExample';
import type { ReviewerModel, ReviewerTokenizer } from './reviewerModel';
import { YES_PROBABILITY_OPTIONS, type YesProbabilityOptions, yesProbability } from './yesProbability';

/** One answer. */
export interface Prediction {
  readonly example: ReviewExample;
  /** `yes` or `no`, the comment, or the refined code. */
  readonly text: string;
  /** Probability of yes, in the necessity task. */
  readonly probability?: number;
  /** Whether the answer was cut short or its prompt was cut; refined code is then incomplete. */
  readonly isPartial?: boolean;
}

/** How to generate the answers. */
export interface PredictOptions extends PromptOptions, YesProbabilityOptions {
  /** Maximum tokens of prompt and answer together. @defaultValue the model's positions */
  readonly maxLength?: number;
  /** Maximum tokens of an answer. @defaultValue 64 for a comment; for refined code, 1.25 × the code plus 64, at least 256 */
  readonly maxNewTokens?: number;
  /** In the necessity task, the answer is yes at this probability and above. @defaultValue 0.5 */
  readonly threshold?: number;
  /** Generation settings: greedy, sampling, or beam search as in the paper (`{ numBeams: 10 }`). @defaultValue greedy */
  readonly generation?: Omit<GenerateOptions, 'maxNewTokens' | 'signal' | 'onToken'>;
}

/**
 * The model's answer to each example, in order.
 *
 * @throws ArgumentError when an example lacks an input of the task, or the threshold is not in 0…1; plus the errors of `generate`.
 */
export async function predictReviews(
  model: ReviewerModel,
  tokenizer: ReviewerTokenizer,
  task: ReviewTask,
  examples: readonly ReviewExample[],
  options: PredictOptions = {},
): Promise<Prediction[]> {
  checkKnown('predictReviews', options, [...YES_PROBABILITY_OPTIONS, 'maxNewTokens', 'threshold', 'generation', 'languageLabel']);
  const { threshold = 0.5, maxLength = model.config.maxPositionEmbeddings, languageLabel } = options;
  if (!(threshold >= 0 && threshold <= 1)) throw new ArgumentError(`threshold ${threshold} is not in 0…1`);
  const prompts = examples.map((example) => reviewPrompt(task, example, { languageLabel }));
  if (task !== 'necessity') {
    const answers = await writtenAnswers(model, tokenizer, task, prompts, { ...options, maxLength });
    return examples.map((example, i) => ({ example, text: '', ...answers[i] }));
  }
  const { batchSize, signal, onProgress, cluster } = options;
  const settings = { maxLength: maxLength - 1, batchSize, signal, onProgress, cluster };
  const probabilities = await yesProbability(model, tokenizer, prompts, settings);
  return examples.map((example, i) => {
    const probability = probabilities[i] ?? Number.NaN;
    return { example, text: probability >= threshold ? 'yes' : 'no', probability };
  });
}

type Answer = Pick<Prediction, 'text' | 'isPartial'>;

async function writtenAnswers(
  model: ReviewerModel,
  tokenizer: ReviewerTokenizer,
  task: ReviewTask,
  prompts: readonly ReviewPrompt[],
  { maxLength, maxNewTokens, batchSize = 8, generation, signal, onProgress, cluster }: PredictOptions & { readonly maxLength: number },
): Promise<Answer[]> {
  const budgets = prompts.map((prompt) => answerBudget(tokenizer, task, prompt, { maxLength, maxNewTokens }));
  const rows = prompts.map((prompt, i) => encodePrompt(tokenizer, prompt, { maxLength: maxLength - (budgets[i]?.maxNewTokens ?? 0) }));
  const stopIds = [generation?.eosTokenId ?? tokenizer.eosTokenId ?? model.config.eosTokenId ?? []].flat();
  const write = async (group: readonly number[], { stop, act }: Held): Promise<Answer[]> => {
    const inputs = group.map((index) => rows[index] ?? []);
    const longest = Math.max(...inputs.map((row) => row.length));
    const limit = Math.min(Math.max(...group.map((index) => budgets[index]?.maxNewTokens ?? 1)), maxLength - longest);
    const options = { eosTokenId: tokenizer.eosTokenId, ...generation, maxNewTokens: limit, signal: stop };
    const [writing] = act(() => [model.generate(inputs, options)]); // not the promise itself: it holds the adapters on its own
    const written = await writing;
    const each = written.length / group.length; // more than 1 with numReturnSequences; the first is the best
    return group.map((index, i) => {
      const ids = written[i * each] ?? [];
      const isFinished = ids.some((id) => stopIds.includes(id)) || ids.length < limit;
      const own = ids.filter((id) => !stopIds.includes(id));
      const text = tokenizer.decode(own, { skipSpecialTokens: true }).trimEnd();
      return { text, ...(!(isFinished && budgets[index]?.isWhole) && { isPartial: true }) };
    });
  };
  const settings = { task, maxLength, budgets, generation, stopIds };
  return answerInGroups(model, rows, write, { call: 'predictReviews()', batchSize, cluster, settings, signal, onProgress });
}
