/** Encodes a prompt and its completion; only the tokens of the completion are learned. */
import { IGNORE_INDEX } from '../../nn';
import { ArgumentError, ShapeError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkGiven } from '../../runtime/checks/door';
import type { TrainingExample } from './batch';

/** The part of a tokenizer that encoding needs. */
export interface PromptTokenizer {
  /** The ids of a text. */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  readonly eosTokenId: number | undefined;
}

/** A prompt to continue. */
export interface TextPrompt {
  readonly prompt: string;
  /** The part of `prompt` that may be cut if it is too long, from `start` to before `end`. @defaultValue none */
  readonly cuttable?: { readonly start: number; readonly end: number };
  /** Whether the tokenizer adds its special tokens, such as the begin token, before the prompt. @defaultValue true */
  readonly addSpecialTokens?: boolean;
}

/** A prompt and the completion to learn. */
export interface TextExample extends TextPrompt {
  readonly response: string;
}

/** The maximum length of an example. */
export interface EncodeOptions {
  /** Maximum tokens of prompt, response and end token together. */
  readonly maxLength: number;
}

/** A training example in tokens; `labels` are the learned ids, and −100 on the prompt. */
export interface EncodedExample extends TrainingExample {
  readonly inputIds: number[];
  readonly labels: number[];
}

/**
 * Encodes prompt, response and end token; only the last two are learned. A response that has its end token already, as a chat template
 * writes it, gets no second one.
 *
 * An example that is too long loses tokens at the end of the prompt's cuttable part, never tokens of the response, the end token or the
 * rest of the prompt.
 *
 * @throws ShapeError when it does not fit even without the cuttable part; ArgumentError without an end token, or for an unknown option.
 */
export function encodeExample(tokenizer: PromptTokenizer, example: TextExample, options: EncodeOptions): EncodedExample {
  checkKnown('encodeExample', options, ['maxLength']);
  const { maxLength } = options;
  const { eosTokenId } = tokenizer;
  if (eosTokenId === undefined) throw new ArgumentError('this tokenizer has no end token, by which a model learns to stop');
  const response = tokenIds(tokenizer, example.response, false);
  const learned = endsWith(eosTokenId, response, tokenizer, example) ? response : [...response, eosTokenId];
  const read = encodePrompt(tokenizer, example, { maxLength: maxLength - learned.length });
  return { inputIds: [...read, ...learned], labels: [...read.map(() => IGNORE_INDEX), ...learned] };
}

/** @throws ArgumentError when the tokenizer returns no list. */
function tokenIds(tokenizer: PromptTokenizer, text: string, addSpecialTokens: boolean): number[] {
  const ids: unknown = tokenizer.encode(text, { addSpecialTokens });
  checkGiven('encode(text) of the tokenizer', { ids }, { ids: 'number[]' });
  return ids as number[];
}

/** Whether only blanks follow the response's end token. */
function endsWith(eosTokenId: number, ids: readonly number[], tokenizer: PromptTokenizer, { response }: TextExample): boolean {
  return ids.includes(eosTokenId) && tokenizer.encode(response.trimEnd(), { addSpecialTokens: false }).at(-1) === eosTokenId;
}

/**
 * Encodes a prompt for generation, cut as by {@link encodeExample}.
 *
 * @throws ShapeError when the prompt does not fit even without its cuttable part; ArgumentError for an unknown option.
 */
export function encodePrompt(
  tokenizer: PromptTokenizer,
  { prompt, cuttable, addSpecialTokens = true }: TextPrompt,
  options: EncodeOptions,
): number[] {
  checkKnown('encodePrompt', options, ['maxLength']);
  const { maxLength } = options;
  if (Number.isNaN(maxLength)) throw new ArgumentError('maxLength is not a number');
  const whole = tokenIds(tokenizer, prompt, addSpecialTokens);
  if (whole.length <= maxLength) return whole;
  const { start, end } = cuttable ?? { start: prompt.length, end: prompt.length };
  const head = tokenizer.encode(prompt.slice(0, start), { addSpecialTokens });
  const tail = tokenizer.encode(prompt.slice(end), { addSpecialTokens: false });
  const room = maxLength - head.length - tail.length;
  if (room < 0) {
    const fixed = head.length + tail.length;
    const without = cuttable ? ' without its code' : '';
    throw new ShapeError(`the prompt${without} takes ${fixed} tokens and ${Math.max(0, maxLength)} are left: raise maxLength`);
  }
  const code = tokenizer.encode(prompt.slice(start, end), { addSpecialTokens: false });
  return [...head, ...code.slice(0, room), ...tail];
}

/** Encodes every example; undefined for an example that does not fit. */
export function encodeExamples(
  tokenizer: PromptTokenizer,
  examples: readonly TextExample[],
  options: EncodeOptions,
): (EncodedExample | undefined)[] {
  return examples.map((example) => {
    try {
      return encodeExample(tokenizer, example, options);
    } catch (error) {
      if (error instanceof ShapeError) return undefined;
      throw error;
    }
  });
}
