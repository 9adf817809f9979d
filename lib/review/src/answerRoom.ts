/** How many tokens an answer may have, and whether its prompt is whole. */

import type { PromptTokenizer } from 'lowrank/internal';
import type { ReviewPrompt, ReviewTask } from './prompts';

/** The room of one answer. */
export interface AnswerRoom {
  readonly maxNewTokens: number;
  /** Whether prompt and answer fit `maxLength`, so that no code of the prompt is cut off. */
  readonly isWhole: boolean;
}

const usual = { necessity: 1, comment: 64, refinement: 256 } as const;

/**
 * The room of an answer: for refined code as many tokens as the code has, a quarter more and 64 at least, where they fit; otherwise so many as
 * the caller wants.
 */
export function answerRoom(
  tokenizer: PromptTokenizer,
  task: ReviewTask,
  { prompt, cuttable }: ReviewPrompt,
  { maxLength, maxNewTokens }: { readonly maxLength: number; readonly maxNewTokens?: number },
): AnswerRoom {
  const left = maxLength - tokenizer.encode(prompt, { addSpecialTokens: true }).length;
  const wanted = maxNewTokens ?? usual[task];
  if (task !== 'refinement' || maxNewTokens !== undefined) return { maxNewTokens: wanted, isWhole: left >= wanted };
  const code = tokenizer.encode(prompt.slice(cuttable.start, cuttable.end), { addSpecialTokens: false }).length;
  const isWhole = left > code; // the code again, and an end token
  return { maxNewTokens: isWhole ? Math.min(left, Math.max(wanted, Math.ceil(1.25 * code) + 64)) : wanted, isWhole };
}
