/** How text is split into words before the merges. */
import { isJsonObject } from '../../io';

/** GPT-2's split (Radford et al. 2019), also the default of Hugging Face's `ByteLevel`. */
export const GPT2_SPLIT = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** Llama 3's split: contractions in either case, at most three digits together, line ends kept with the text before them. */
export const LLAMA3_SPLIT = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** A pre-tokenizer, in the terms of `tokenizer.json`, that splits by one pattern after another and then spells bytes as letters. */
export function byteLevelSplit(...patterns: readonly string[]): object {
  return sequence(...patterns.map(split), { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false });
}

/**
 * The same pre-tokenizer without two parts that the JavaScript library implements differently from the Rust one: its `ByteLevel` treats
 * U+FEFF as a space and U+0085 as none, and its `Digits` knows only ASCII. Its `Split` is exact and replaces both.
 */
export function exactPreTokenizer(preTokenizer: unknown): unknown {
  if (!isJsonObject(preTokenizer)) return preTokenizer ?? null;
  const { type, pretokenizers, use_regex: usesRegex = true, add_prefix_space: addsSpace = false } = preTokenizer;
  if (type === 'Sequence' && Array.isArray(pretokenizers)) return sequence(...pretokenizers.map(exactPreTokenizer));
  if (type === 'ByteLevel' && usesRegex === true && addsSpace === false) return byteLevelSplit(GPT2_SPLIT);
  if (type === 'Digits') return split(preTokenizer.individual_digits === true ? String.raw`\p{N}` : String.raw`\p{N}+`);
  return preTokenizer;
}

function sequence(...pretokenizers: readonly unknown[]): object {
  return { type: 'Sequence', pretokenizers };
}

function split(pattern: string): object {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
}
