/** Reads the tokenizer of a Hugging Face folder: `tokenizer.json`, `tokenizer_config.json` and, in newer ones, `chat_template.jinja`. */
import nodePath from 'node:path';
import { BinaryFile, isJsonObject, type JsonObject, namesIn, pathKind, readJsonFile } from '../../../io';
import { withoutNull } from '../../../io/jsonFile';
import { FormatError, UnsupportedError } from '../../../runtime';
import { shown } from '../../../runtime/messages/shown';
import { warn } from '../../../runtime/messages/warn';
import { type ModelPlace, modelPlace } from '../../files/modelPlace';
import { checkTokenizerJson } from '../checkTokenizerJson';
import type { TokenizerDefinition } from '../tokenizerDefinition';
import { rebuiltByClass } from './rebuiltByClass';

const LARGEST_TOKENIZER = 100_000_000; // Gemma 3's has 33 million bytes
const MOST_ENTRIES = 2 ** 22; // Gemma 3's has about 2 ** 21
const MOST_IDS = 2 ** 24; // the largest vocabulary in use has 2 ** 18
const LARGEST_CONFIG = 20_000_000;

/** The place of a model's tokenizer; a folder with `tokenizer.json` need not contain a model. */
export function tokenizerPlace(path: string): ModelPlace {
  if (pathKind(path) !== 'folder') return modelPlace(path);
  const names = namesIn(path);
  const isBare = !names.some((name) => /\.gguf$/i.test(name) || name === 'snapshots');
  return isBare || names.includes('tokenizer.json') ? { path, isFolder: true } : modelPlace(path);
}

/**
 * Reads a folder's tokenizer. Its special tokens may be in `tokenizer_config.json`, `special_tokens_map.json` or, as ids, in the model's
 * configuration. Added tokens may be in the first two and in `added_tokens.json`.
 *
 * @throws FormatError when the folder has no `tokenizer.json`, or a file is malformed; UnsupportedError when it asks for another encoding than
 * this one.
 */
export function tokenizerFromFolder(folder: string): TokenizerDefinition {
  const path = nodePath.join(folder, 'tokenizer.json');
  if (pathKind(path) === undefined) throw new FormatError(`${folder} has no tokenizer.json${otherVocabulary(folder)}`);
  const given = readJsonFile(path, { largest: LARGEST_TOKENIZER, mostEntries: MOST_ENTRIES });
  checkVocabulary(path, given);
  const optional = (name: string): JsonObject => {
    const file = nodePath.join(folder, name);
    return pathKind(file) === undefined ? {} : readJsonFile(file, { largest: LARGEST_CONFIG });
  };
  const config = optional('tokenizer_config.json');
  // as in transformers, which reads the two other files only where the configuration has no list of added tokens
  const isWhole = config.added_tokens_decoder !== undefined;
  const map = isWhole ? {} : optional('special_tokens_map.json');
  const special: JsonObject = { ...config, ...map };
  const added = allAddedTokens(folder, given, special, furtherTokens(config, map), isWhole ? {} : optional('added_tokens.json'));
  checkTokenizerJson(path, given, added);
  const modelConfig = optional('config.json');
  checkConfig(folder, config, modelConfig.model_type, given);
  const ofModel = { ...modelConfig, ...withoutNull(optional('generation_config.json')) };
  const named = (name: string) => tokenText(special[name]);
  const token = (name: string) => named(name) ?? tokenOfId(given, added, ofModel[`${name}_id`]);
  return {
    path: folder,
    tokenizerJson: { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, ...given, added_tokens: added },
    bosToken: token('bos_token'),
    eosToken: token('eos_token'),
    padToken: named('pad_token') ?? tokenText(objectOr(given.padding).pad_token) ?? token('pad_token'),
    unkToken: named('unk_token'),
    sepToken: named('sep_token'),
    clsToken: named('cls_token'),
    maskToken: named('mask_token'),
    chatTemplate: chatTemplate(folder, config.chat_template),
  };
}

/** @throws FormatError when an id is not a valid number, because the tokenizer would return it from `encode`. */
function checkVocabulary(path: string, { model, added_tokens: added }: JsonObject): void {
  const vocab: unknown = isJsonObject(model) ? (model.vocab ?? {}) : {};
  if (!isJsonObject(vocab) && !Array.isArray(vocab)) {
    throw new FormatError(`${path}: the vocabulary is ${shown(vocab)}, and not tokens with their ids`);
  }
  const vocabulary = objectOr(vocab);
  const ofAdded = (Array.isArray(added) ? added : []).map((token: unknown) => [objectOr(token).content, objectOr(token).id] as const);
  for (const [token, id] of [...Object.entries(vocabulary), ...ofAdded]) {
    if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < MOST_IDS) continue;
    throw new FormatError(
      `${path}: the token ${shown(token)} has the id ${shown(id)}, which is not a whole number from 0 to ${MOST_IDS - 1}`,
    );
  }
}

/** Refuses or reports fields of `tokenizer_config.json` that transformers reads and this library does not. */
function checkConfig(folder: string, config: JsonObject, modelType: unknown, given: JsonObject): void {
  const path = nodePath.join(folder, 'tokenizer_config.json');
  if (config.split_special_tokens === true)
    throw new UnsupportedError(`${path} has "split_special_tokens": true, which is not supported; set it to false`);
  const rebuilt = rebuiltByClass(config, modelType, given);
  if (rebuilt !== undefined)
    warn(
      `${path}: transformers 5 replaces the rules of tokenizer.json by those of its class ${rebuilt}, which cut texts differently; here tokenizer.json counts, as in transformers 4 and llama.cpp`,
    );
}

function otherVocabulary(folder: string): string {
  const kind =
    pathKind(folder) === 'folder' ? namesIn(folder).find((name) => /^tokenizer\.model|^vocab\.json$|^tekken\.json$/.test(name)) : undefined;
  const instead = kind === undefined ? '' : `, but ${kind}, which is not read here`;
  return `${instead}; save the tokenizer there with transformers' save_pretrained`;
}

/** In the order of the ids of those that are new. */
const SPECIAL: readonly string[] = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token'];

/**
 * The added tokens of `tokenizer.json`, then those that only the other files have. Special tokens in the vocabulary count as added too, as
 * in transformers, so that they are matched whole.
 */
function allAddedTokens(
  folder: string,
  tokenizerJson: JsonObject,
  special: JsonObject,
  { named: others, list, early }: FurtherTokens,
  addedTokens: JsonObject,
): unknown[] {
  const tokens: unknown[] = Array.isArray(tokenizerJson.added_tokens) ? [...tokenizerJson.added_tokens] : [];
  const known = new Map<unknown, unknown>(tokens.filter(isJsonObject).map(({ content, id }) => [content, id]));
  const inFile = new Set(known.keys());
  const add = (id: unknown, token: unknown, isSpecial: boolean) => {
    const content = tokenText(token);
    if (content === undefined || content === '' || known.get(content) === id || !Number.isInteger(id)) return;
    known.set(content, id);
    const defaults = { single_word: false, lstrip: false, rstrip: false, normalized: !isSpecial, special: isSpecial };
    tokens.push({ ...defaults, ...(isJsonObject(token) && token), id, content });
  };
  for (const [id, token] of Object.entries(objectOr(special.added_tokens_decoder))) add(Number(id), token, false);
  for (const [content, id] of Object.entries(addedTokens)) add(id, content, false);
  const vocabulary = isJsonObject(tokenizerJson.model) ? objectOr(tokenizerJson.model.vocab) : {};
  const idAfter = (token: unknown) => (isJsonObject(token) ? Number(token.id) + 1 : 0);
  let nextId = tokens.reduce<number>((next, token) => Math.max(next, idAfter(token)), Object.keys(vocabulary).length);
  const made: string[] = [];
  const named = SPECIAL.map((name) => special[name]);
  for (const token of [...named, ...others, ...list]) {
    const content = tokenText(token);
    if (content === undefined || content === '' || known.has(content)) continue;
    const isWord = Object.hasOwn(vocabulary, content);
    const id = isWord ? vocabulary[content] : nextId;
    if (!isWord) made.push(`${shown(content)} ${id}`);
    add(id, token, true);
    nextId = Math.max(nextId, Number(id) + 1);
  }
  if (made.length > 0) {
    const remedy = `a model without rows for them needs resizeTokenEmbeddings(${nextId})`;
    const first = made.slice(0, 5).join(', ') + (made.length > 5 ? ', …' : '');
    warn(`${folder}: special tokens without an id in any file (${made.length}) get the next, as in transformers: ${first}; ${remedy}`);
  }
  // As in transformers: its use makes a token special, whatever its entry says. Where there is a list of added tokens, it has to be in it.
  const decoder = special.added_tokens_decoder === undefined ? undefined : Object.values(objectOr(special.added_tokens_decoder));
  const listed = decoder?.filter((token) => objectOr(token).special === true || named.some((one) => tokenText(one) === tokenText(token)));
  const ofList = early.filter((token) => Object.hasOwn(addedTokens, tokenText(token) ?? '') && !inFile.has(tokenText(token)));
  const contents = new Set([...(listed ?? named), ...others, ...ofList].map(tokenText));
  return tokens.map((token) => (isJsonObject(token) && contents.has(tokenText(token)) ? { ...token, special: true } : token));
}

/** The special tokens beside those of `SPECIAL`. */
interface FurtherTokens {
  /** Special tokens with names of their own. */
  readonly named: readonly unknown[];
  readonly list: readonly unknown[];
  /** The list as it is when `added_tokens.json` is read, whose tokens are special if they are in it. */
  readonly early: readonly unknown[];
}

/** Merges the two files as transformers does, step by step: a later list or mapping may replace an earlier one, or be left out. */
function furtherTokens(config: JsonObject, map: JsonObject): FurtherTokens {
  const ownNames = (object: JsonObject) => Object.entries(object).filter(([name]) => name.endsWith('_token') && !SPECIAL.includes(name));
  const texts = (entries: [string, unknown][]) => entries.filter(([, token]) => typeof token === 'string');
  let { extra_special_tokens: extra, additional_special_tokens: older } = config;
  if (older !== undefined && Object.keys(objectOr(extra)).length === 0 && !(Array.isArray(extra) && extra.length > 0))
    [extra, older] = [older, undefined];
  const typed = ownNames(config).filter(([, token]) => isJsonObject(token) && token.__type === 'AddedToken');
  const late = Object.fromEntries([...typed, ...ownNames(map).filter(([, token]) => tokenText(token) !== undefined)]);
  const first = Object.fromEntries(texts(ownNames(config)));
  const takeMapping = () => {
    if (!isJsonObject(extra)) return;
    Object.assign(first, extra);
    extra = undefined;
  };
  takeMapping();
  const { extra_special_tokens: extraOfMap, additional_special_tokens: olderOfMap } = map;
  const ofMap = listOr(extraOfMap).map((token) => (isJsonObject(token) ? { ...token, special: true } : token));
  const ofConfig = extraOfMap === undefined || Array.isArray(extraOfMap) ? listOr(extra) : [];
  if (extraOfMap !== undefined) extra = Array.isArray(extraOfMap) ? [...ofConfig, ...ofMap] : extraOfMap;
  takeMapping();
  const list = listOr(extra === undefined ? (olderOfMap ?? older) : extra);
  const inList = new Set(list);
  return {
    named: Object.values({ ...late, ...first }),
    list: list.map((token) => (isJsonObject(token) ? { special: inList.has(tokenText(token)), ...token } : token)), // an object says it itself
    early: [...ofConfig.filter((token) => typeof token === 'string'), ...ofMap],
  };
}

function listOr(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A configuration names a token by its id, or by a list of ids of which the first counts. */
function tokenOfId(tokenizerJson: JsonObject, added: readonly unknown[], given: unknown): string | undefined {
  const id: unknown = Array.isArray(given) ? given[0] : given;
  if (typeof id !== 'number') return undefined;
  const token = added.find((item) => isJsonObject(item) && item.id === id);
  if (token !== undefined) return tokenText(token);
  const vocabulary = isJsonObject(tokenizerJson.model) ? objectOr(tokenizerJson.model.vocab) : {};
  return Object.entries(vocabulary).find(([, itsId]) => itsId === id)?.[0];
}

function objectOr(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** A token is stored as its text, or as an object around it. */
function tokenText(token: unknown): string | undefined {
  const text = isJsonObject(token) ? token.content : token;
  return typeof text === 'string' ? text : undefined;
}

/** The template from a separate file, a string, or a list of named templates of which `default` counts. */
function chatTemplate(folder: string, given: unknown): string | undefined {
  const path = nodePath.join(folder, 'chat_template.jinja');
  if (pathKind(path) !== undefined) return templateOf(path);
  if (!Array.isArray(given)) return typeof given === 'string' ? given : undefined;
  const named: unknown = given.find((item) => isJsonObject(item) && item.name === 'default');
  if (isJsonObject(named) && typeof named.template === 'string') return named.template;
  const names = given.map((item) => String(isJsonObject(item) ? item.name : item).slice(0, 40)).join(', ');
  warn(`${folder}: none of its chat templates (${names}) is named default, so none is used`);
  return undefined;
}

function templateOf(path: string): string {
  const file = new BinaryFile(path);
  if (file.size > LARGEST_CONFIG)
    throw new FormatError(`${path}: a chat template of ${file.size} bytes; at most ${LARGEST_CONFIG} are read`);
  return new TextDecoder().decode(file.read(0, file.size));
}
