import { ArgumentError, ShapeError } from '../runtime';
import type { Prompt } from './prompts';

/** What is needed of a tokenizer here. */
export interface PromptTokenizer {
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  readonly eosTokenId: number | undefined;
}

/** How long an example may be. */
export interface EncodeOptions {
  /** Most tokens of prompt, response and end token together. */
  readonly maxLength: number;
}

/** A training example in tokens; both arrays are as long as each other. */
export interface EncodedExample {
  readonly inputIds: number[];
  /** The token itself where it is learned, −100 where it is only read (Hugging Face's convention). */
  readonly labels: number[];
}

const ignored = -100;

/**
 * Tokens of prompt, response and end token, of which only the last two are learned.
 *
 * What is too long loses tokens at the end of the prompt's code, never any of the response, of the end token or of the
 * prompt's own words.
 *
 * @throws ShapeError when it does not fit even without any code; ArgumentError when the tokenizer has no end token.
 */
export function encodeExample(
  tokenizer: PromptTokenizer,
  example: Pick<Prompt, 'prompt' | 'response'> & Partial<Prompt>,
  { maxLength }: EncodeOptions,
): EncodedExample {
  const { eosTokenId } = tokenizer;
  if (eosTokenId === undefined) throw new ArgumentError('this tokenizer has no end token, by which a model learns to stop');
  const learned = [...tokenizer.encode(example.response, { addSpecialTokens: false }), eosTokenId];
  const read = encodePrompt(tokenizer, example, { maxLength: maxLength - learned.length });
  return { inputIds: [...read, ...learned], labels: [...read.map(() => ignored), ...learned] };
}

/**
 * Tokens of a prompt for generation, cut in the same way as for training.
 *
 * @throws ShapeError when the prompt does not fit even without any code.
 */
export function encodePrompt(
  tokenizer: PromptTokenizer,
  { prompt, cuttable }: Pick<Prompt, 'prompt'> & Partial<Prompt>,
  { maxLength }: EncodeOptions,
): number[] {
  if (Number.isNaN(maxLength)) throw new ArgumentError('maxLength is not a number');
  const whole = tokenizer.encode(prompt, { addSpecialTokens: true });
  if (whole.length <= maxLength) return whole;
  const { start, end } = cuttable ?? { start: prompt.length, end: prompt.length };
  const head = tokenizer.encode(prompt.slice(0, start), { addSpecialTokens: true });
  const tail = tokenizer.encode(prompt.slice(end), { addSpecialTokens: false });
  const room = maxLength - head.length - tail.length;
  if (room < 0) {
    const fixed = head.length + tail.length;
    throw new ShapeError(`the prompt without its code takes ${fixed} tokens and ${Math.max(0, maxLength)} are left: raise maxLength`);
  }
  const code = tokenizer.encode(prompt.slice(start, end), { addSpecialTokens: false });
  return [...head, ...code.slice(0, room), ...tail];
}
