/** Hugging Face's JavaScript tokenizer, built so that its ids are those of the Python library. */
import { isJsonObject } from '../../io';
import { FormatError } from '../../runtime';
import { shown } from '../../runtime/messages/shown';
import { findAddedTokens } from './addedTokens';
import { correctByteFallback, correctByteLevel, correctMetaspace } from './byteDecoders';
import { exactNormalizer } from './normalizer';
import { applyPrecompiled } from './precompiledCharsmap';
import { exactPreTokenizer } from './preTokenizer';
import type { TokenizerDefinition } from './tokenizerDefinition';

// The library is an ES module, which this CommonJS package can load only with import().
export const importTokenizers = () => import('@huggingface/tokenizers');
type Tokenizers = Awaited<ReturnType<typeof importTokenizers>>;
export type Engine = InstanceType<Tokenizers['Tokenizer']>;

/** The longest time to build one, in milliseconds; a vocabulary entry takes a hundredth of one. */
export const longestBuilding = ({ tokenizerJson: { model, added_tokens: added } }: TokenizerDefinition): number =>
  2000 + 0.1 * (entriesOf(model) + entriesOf(added));

/** Builds the tokenizer of a definition. @throws Error when the library refuses it. */
export function buildEngine({ Tokenizer }: Tokenizers, { tokenizerJson }: TokenizerDefinition): Engine {
  const { normalizer, pre_tokenizer: cut, model } = tokenizerJson;
  const exactParts = { normalizer: exactNormalizer(normalizer), pre_tokenizer: exactPreTokenizer(cut), model: exactModel(model) };
  const engine = new Tokenizer({ ...tokenizerJson, ...exactParts }, { clean_up_tokenization_spaces: false });
  correctByteFallback(engine.decoder, tokenizerJson.decoder);
  correctByteLevel(engine.decoder, tokenizerJson.decoder);
  correctMetaspace(engine.decoder, tokenizerJson.decoder);
  applyPrecompiled(engine.normalizer, exactParts.normalizer);
  findAddedTokens(engine, Array.isArray(tokenizerJson.added_tokens) ? tokenizerJson.added_tokens : []);
  if (engine.model) encodeWordByWord(engine.model);
  return engine;
}

/** The library makes one unknown token of neighbours, although a word between two others ends there. */
function encodeWordByWord(model: object): void {
  const callable = model as { _call(words: readonly string[]): string[] };
  const encode = callable._call.bind(model);
  callable._call = (words) => words.flatMap((word) => encode([word]));
}

/** No vocabulary has this token. */
const NO_TOKEN = '\0no token\0';

/** Without an unknown token, the library would leave out what the vocabulary lacks; here it becomes a token without an id. */
function exactModel(model: unknown): unknown {
  return isJsonObject(model) && model.type === 'BPE' ? { ...model, unk_token: model.unk_token ?? NO_TOKEN } : model;
}

/** @throws FormatError when a token of the text has no id, because the vocabulary has neither it nor an unknown token. */
export function knownIds({ ids, tokens }: { readonly ids: number[]; readonly tokens: readonly string[] }): number[] {
  const missing = ids.findIndex((id) => typeof id !== 'number');
  if (missing === -1) return ids;
  if (tokens[missing] === NO_TOKEN)
    throw new FormatError('the vocabulary lacks a character of this text, and there is no unknown token to stand for it');
  throw new FormatError(`the token ${shown(tokens[missing])} has no id, and there is no unknown token`);
}

/** The total number of entries in the lists and mappings of a value. */
function entriesOf(value: unknown): number {
  const count = (item: unknown) => (typeof item === 'object' && item !== null ? Object.keys(item).length : 1);
  return typeof value === 'object' && value !== null ? Object.values(value).reduce((sum: number, item) => sum + count(item), 0) : 0;
}
