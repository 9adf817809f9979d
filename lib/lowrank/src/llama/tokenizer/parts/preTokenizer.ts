/** How text is split into words before the merges. */
import { isJsonObject, type JsonObject } from '../../../io';
import { FormatError } from '../../../runtime';
import { shown } from '../../../runtime/messages/shown';

/** GPT-2's split (Radford et al. 2019), also the default of Hugging Face's `ByteLevel`. */
export const GPT2_SPLIT = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/** Llama 3's split: contractions in either case, at most three digits together, line ends kept with the text before them. */
export const LLAMA3_SPLIT = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** A pre-tokenizer, in the terms of `tokenizer.json`, that splits by one pattern after another and then spells bytes as letters. */
export function byteLevelSplit(...patterns: readonly string[]): object {
  return sequence(...patterns.map(split), { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false });
}

/**
 * The same pre-tokenizer in parts that the JavaScript library computes as the Rust one does. Left alone, it takes every `behavior` but
 * `Removed` for `Isolated`, never splits at `Metaspace`'s signs, knows letters and digits of ASCII only, and has other blanks.
 *
 * @throws FormatError for a type that the Rust library does not have, or a part that is missing.
 */
export function exactPreTokenizer(preTokenizer: unknown): unknown {
  if (!isJsonObject(preTokenizer)) return preTokenizer ?? null;
  const exact = EXACT.get(String(preTokenizer.type));
  if (exact) return exact(preTokenizer);
  throw new FormatError(`the pre-tokenizer ${shown(preTokenizer.type)} is not supported; supported are ${[...EXACT.keys()].join(', ')}`);
}

const BLANKS: JsonObject = { pattern: { Regex: String.raw`\s+` }, behavior: 'Removed' };
/** Rust's `\w`; that of JavaScript, and of the expressions in a file, has neither joiners nor numbers that are letters. */
const WORD = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]`;
const PUNCTUATION = String.raw`[\p{P}!-/:-@\[-\x60{-~]`;

type Exact = (config: JsonObject) => unknown;

const EXACT: ReadonlyMap<string, Exact> = new Map(
  Object.entries<Exact>({
    Sequence: ({ pretokenizers }) => {
      const parts: readonly unknown[] = Array.isArray(pretokenizers) ? pretokenizers : [];
      const late = parts.slice(1).some((part) => isJsonObject(part) && part.type === 'Metaspace' && part.prepend_scheme === 'first');
      if (late) throw new FormatError('Metaspace with "prepend_scheme": "first" after another cut is not supported: put it first');
      return sequence(...parts.map(exactPreTokenizer));
    },
    ByteLevel: ({ use_regex: usesRegex = true, add_prefix_space: addsSpace = false, ...rest }) => {
      if (usesRegex !== true) return { ...rest, use_regex: usesRegex, add_prefix_space: addsSpace };
      const space = addsSpace === true ? [{ type: 'Replace', pattern: { Regex: String.raw`\A[^ ]` }, content: ' $&' }] : [];
      return sequence(...space, byteLevelSplit(GPT2_SPLIT));
    },
    Split: (config) => splitAs(config),
    Digits: ({ individual_digits: each }) => split(each === true ? String.raw`\p{N}` : String.raw`\p{N}+`),
    Punctuation: ({ behavior = 'Isolated' }) => splitAs({ pattern: { Regex: PUNCTUATION }, behavior }),
    Whitespace: () => splitAs({ pattern: { Regex: `${WORD}+|[^${WORD.slice(1, -1)}\\s]+` }, behavior: 'Removed', invert: true }),
    WhitespaceSplit: () => splitAs(BLANKS),
    BertPreTokenizer: () => sequence(splitAs(BLANKS), split(PUNCTUATION)),
    FixedLength: ({ length }) => split(String.raw`[\s\S]{1,${Number(length)}}`),
    Metaspace: ({ str_rep: _, split: splits = true, ...rest }) => {
      const { replacement = '▁', add_prefix_space: addsSpace, prepend_scheme: scheme = 'always' } = rest;
      if (addsSpace === false && scheme !== 'never')
        throw new FormatError(`Metaspace has "add_prefix_space": false and "prepend_scheme": ${shown(scheme)}, which disagree`);
      return splits === false ? rest : sequence(rest, splitAs({ pattern: { String: replacement }, behavior: 'MergedWithNext' }));
    },
  }),
);

/** The pattern of the pieces, by `behavior`, which decides where a match P belongs; the text between two matches is a piece too. */
const PIECES: ReadonlyMap<string, (P: string) => string> = new Map(
  Object.entries<(P: string) => string>({
    Isolated: (P) => P,
    Contiguous: (P) => `(?:${P})+`,
    MergedWithPrevious: (P) => String.raw`(?:(?!${P})[\s\S])+(?:${P})?|(?:${P})`,
    MergedWithNext: (P) => String.raw`(?:${P})(?:(?!${P})[\s\S])*`,
  }),
);

/** With `invert`, the text between the matches takes their role. */
const INVERTED: ReadonlyMap<string, string> = new Map([
  ['MergedWithPrevious', 'MergedWithNext'],
  ['MergedWithNext', 'MergedWithPrevious'],
]);

function splitAs({ pattern, behavior, invert = false }: JsonObject): object {
  if (behavior === 'Removed') return { type: 'Split', pattern: { Regex: expressionOf(pattern) }, behavior, invert };
  const pieces = PIECES.get((invert === true ? INVERTED.get(String(behavior)) : undefined) ?? String(behavior));
  if (!pieces) throw new FormatError(`Split has "behavior": ${shown(behavior)}; there are Removed, ${[...PIECES.keys()].join(', ')}`);
  return split(pieces(expressionOf(pattern)));
}

function expressionOf(pattern: unknown): string {
  const { Regex: expression, String: text } = isJsonObject(pattern) ? pattern : {};
  if (typeof expression === 'string') return expression;
  if (typeof text === 'string') return text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  throw new FormatError(`Split has the pattern ${shown(pattern)}; it is {"String": …} or {"Regex": …}`);
}

function sequence(...pretokenizers: readonly unknown[]): object {
  return { type: 'Sequence', pretokenizers };
}

function split(expression: string): object {
  return { type: 'Split', pattern: { Regex: expression }, behavior: 'Isolated', invert: false };
}
