/** Hugging Face's JavaScript tokenizer, built so that its ids are those of the Python library. */
import { isJsonObject, type JsonObject } from '../../io';
import { FormatError } from '../../runtime';
import { shown } from '../../runtime/messages/shown';
import { findAddedTokens } from './parts/addedTokens';
import { correctByteFallback, correctByteLevel, correctMetaspace, escapeReplacements } from './parts/byteDecoders';
import { exactNormalizer } from './parts/normalizer';
import { applyPrecompiled } from './parts/precompiledCharsmap';
import { exactPreTokenizer } from './parts/preTokenizer';
import type { TokenizerDefinition } from './tokenizerDefinition';

const encoder = new TextEncoder();

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
  escapeReplacements(engine.decoder, tokenizerJson.decoder);
  if (engine.model) encodeWordByWord(engine.model);
  findAddedTokens(engine, Array.isArray(tokenizerJson.added_tokens) ? tokenizerJson.added_tokens : []);
  return engine;
}

interface Model {
  _call(words: readonly string[]): string[];
  readonly unk_token_id?: number;
  readonly vocab: readonly string[];
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  readonly config: JsonObject;
}

/**
 * Corrects the library, which joins neighbouring unknown tokens even across words, and lacks the bytes of a Unigram model and the unknown
 * token of a WordLevel model.
 */
function encodeWordByWord(given: object): void {
  const model = given as Model;
  const { config, tokens_to_ids: ids } = model;
  const encode = model._call.bind(given);
  const unknown = config.type === 'Unigram' ? model.vocab[Number(config.unk_id)] : String(config.unk_token);
  const known = (token: string) => {
    if (ids.has(token)) return [token];
    const bytes = Array.from(config.byte_fallback === true ? encoder.encode(token) : [], byteToken);
    if (bytes.length > 0 && bytes.every((byte) => ids.has(byte))) return bytes;
    return [unknown !== undefined && ids.has(unknown) ? unknown : NO_TOKEN + token.replace(NO_TOKEN, '')];
  };
  model._call = (words) => words.flatMap((word) => encode([word]).flatMap(known));
}

const byteToken = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;

/** No vocabulary has a token that begins so. */
const NO_TOKEN = '\0no token\0';

/** Without an unknown token, the library would drop what the vocabulary lacks; here it becomes a token without an id. */
function exactModel(model: unknown): unknown {
  return isJsonObject(model) && model.type === 'BPE' ? { ...model, unk_token: model.unk_token ?? NO_TOKEN } : model;
}

/** @throws FormatError when a token of the text has no id, because the vocabulary has neither it nor an unknown token. */
export function knownIds({ ids, tokens }: { readonly ids: number[]; readonly tokens: readonly string[] }): number[] {
  const missing = ids.findIndex((id) => typeof id !== 'number');
  if (missing === -1) return ids;
  if (tokens[missing] === NO_TOKEN)
    throw new FormatError('the vocabulary lacks a character of this text, and there is no unknown token to stand for it');
  throw new FormatError(`the token ${shown(tokens[missing]?.replace(NO_TOKEN, ''))} has no id, and there is no unknown token`);
}

/** The total number of entries in the lists and mappings of a value. */
function entriesOf(value: unknown): number {
  const count = (item: unknown) => (typeof item === 'object' && item !== null ? Object.keys(item).length : 1);
  return typeof value === 'object' && value !== null ? Object.values(value).reduce((sum: number, item) => sum + count(item), 0) : 0;
}
