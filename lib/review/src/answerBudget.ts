/** The token budget of an answer, and whether its prompt fits in full. */

import type { PromptTokenizer } from 'lowrank/internal';
import type { ReviewPrompt, ReviewTask } from './prompts';

interface AnswerBudget {
  readonly maxNewTokens: number;
  /** Whether prompt and answer fit `maxLength`, with none of the prompt's code cut off. */
  readonly isWhole: boolean;
}

const usual = { necessity: 1, comment: 64, refinement: 256 } as const;

/**
 * The token budget of an answer. Refined code may use 1.25 × the tokens of the code plus 64, as far as they fit; any other answer
 * may use the number that the caller asks for.
 */
export function answerBudget(
  tokenizer: PromptTokenizer,
  task: ReviewTask,
  { prompt, cuttable }: ReviewPrompt,
  { maxLength, maxNewTokens }: { readonly maxLength: number; readonly maxNewTokens?: number },
): AnswerBudget {
  const left = maxLength - tokenizer.encode(prompt, { addSpecialTokens: true }).length;
  const wanted = maxNewTokens ?? usual[task];
  if (task !== 'refinement' || maxNewTokens !== undefined) return { maxNewTokens: wanted, isWhole: left >= wanted };
  const code = tokenizer.encode(prompt.slice(cuttable.start, cuttable.end), { addSpecialTokens: false }).length;
  const isWhole = left > code; // room for the code again and an end token
  return { maxNewTokens: isWhole ? Math.min(left, Math.max(wanted, Math.ceil(1.25 * code) + 64)) : wanted, isWhole };
}
