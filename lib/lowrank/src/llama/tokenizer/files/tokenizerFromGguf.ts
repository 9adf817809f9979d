/** Makes a `tokenizer.json` from the vocabulary in a GGUF file, like transformers. */
import { GgufError, type GgufFile } from '../../../io';
import { UnsupportedError } from '../../../runtime';
import { openGguf } from '../../files/openGguf';
import { byteLevelSplit } from '../parts/preTokenizer';
import type { TokenizerDefinition } from '../tokenizerDefinition';
import { GGUF_CUTS } from './ggufCuts';
import { mergesFromScores } from './sentencePieceMerges';

const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;
const MOST_WORK = 1e8; // characters squared: Gemma's 262,144 tokens have about 2e7

/**
 * Reads the tokenizer of a GGUF file.
 *
 * @throws GgufError when the file or its vocabulary is malformed; UnsupportedError for a vocabulary type that this library does not read.
 */
export async function tokenizerFromGguf(path: string): Promise<TokenizerDefinition> {
  const file = await openGguf(path);
  const vocabulary = readVocabulary(file);
  const text = (key: string) => metadataOf(file, key, 'string');
  const token = (key: string) => {
    const id = metadataOf(file, `tokenizer.ggml.${key}_token_id`, 'number');
    return id === undefined ? undefined : vocabulary.tokens[id];
  };
  const definition = {
    path,
    bosToken: token('bos'),
    eosToken: token('eos'),
    padToken: token('padding'),
    unkToken: token('unknown'),
    chatTemplate: text('tokenizer.chat_template'),
  };
  const kind = text('tokenizer.ggml.model');
  switch (kind) {
    case 'gpt2':
      return { ...definition, tokenizerJson: byteLevelBpe(file, vocabulary) };
    case 'llama':
      return { ...definition, tokenizerJson: sentencePieceBpe(file, vocabulary, definition.unkToken) };
    default:
      throw new UnsupportedError(
        `${path}: its tokenizer is of the kind '${kind}'; read are 'gpt2' (byte-level BPE) and 'llama' (SentencePiece)`,
      );
  }
}

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly merges: readonly string[] | undefined;
}

function readVocabulary(file: GgufFile): Vocabulary {
  const tokens = list(file, 'tokenizer.ggml.tokens', 'string');
  if (!tokens)
    throw new GgufError(file.path, 0, 'there is no vocabulary (tokenizer.ggml.tokens) in this file; give the model it came with');
  return { tokens, types: list(file, 'tokenizer.ggml.token_type', 'number') ?? [], merges: list(file, 'tokenizer.ggml.merges', 'string') };
}

/** GPT-2's type: every byte is spelled as a letter, so no text is unknown. */
function byteLevelBpe(file: GgufFile, { tokens, types, merges }: Vocabulary): Record<string, unknown> {
  const name = metadataOf(file, 'tokenizer.ggml.pre', 'string') ?? 'default';
  const cut = GGUF_CUTS.get(name);
  if (cut === undefined) {
    const known = [...GGUF_CUTS.keys()].join(', ');
    throw new UnsupportedError(
      `${file.path}: its text is cut as '${name}' (tokenizer.ggml.pre), which is not read here; known are ${known}. Give the model's Hugging Face folder`,
    );
  }
  if (!merges) throw new GgufError(file.path, 0, 'there are no merges (tokenizer.ggml.merges) for this vocabulary');
  const bpe = {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: cut.ignoresMerges ?? false,
  };
  return {
    ...envelope(file, tokens, types, cut.addsBos ?? false),
    normalizer: null,
    pre_tokenizer: byteLevelSplit(...cut.patterns),
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { ...bpe, vocab: idsOf(tokens), merges: merges.map((merge) => merge.split(' ')) },
  };
}

/** The type of LLaMA 1 and 2: spaces become `▁`, and characters outside the vocabulary become byte tokens. */
function sentencePieceBpe(file: GgufFile, { tokens, types, merges }: Vocabulary, unkToken = '<unk>'): Record<string, unknown> {
  const scores = list(file, 'tokenizer.ggml.scores', 'number');
  if (!merges && scores?.length !== tokens.length) {
    throw new GgufError(file.path, 0, 'there are neither merges nor a score per token for this vocabulary');
  }
  if (!merges && tokens.reduce((work, { length }) => work + length ** 2, 0) > MOST_WORK)
    throw new GgufError(file.path, 0, 'the tokens are too long to derive their merges from scores: convert it with tokenizer.ggml.merges');
  const hasPrefix = metadataOf(file, 'tokenizer.ggml.add_space_prefix', 'boolean') ?? true;
  const stripPrefix = hasPrefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : [];
  const bpe = { type: 'BPE', dropout: null, unk_token: unkToken, fuse_unk: true, byte_fallback: true, ignore_merges: false };
  return {
    ...envelope(file, tokens, types, true),
    normalizer: null,
    pre_tokenizer: { type: 'Metaspace', replacement: '▁', prepend_scheme: hasPrefix ? 'first' : 'never', split: false },
    decoder: {
      type: 'Sequence',
      decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }, ...stripPrefix],
    },
    model: { ...bpe, vocab: idsOf(tokens), merges: merges?.map((merge) => merge.split(' ')) ?? mergesFromScores(tokens, scores ?? []) },
  };
}

/** The added tokens, matched whole everywhere, and the tokens added around a text. */
function envelope(file: GgufFile, tokens: readonly string[], types: readonly number[], addsBosByDefault: boolean): Record<string, unknown> {
  const added = tokens.flatMap((content, id) => {
    const type = types[id];
    if (type !== UNKNOWN && type !== CONTROL && type !== USER_DEFINED) return [];
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: type !== USER_DEFINED }];
  });
  const flag = (key: string) => metadataOf(file, `tokenizer.ggml.${key}`, 'boolean');
  const special = (name: 'bos' | 'eos', isAdded: boolean) => {
    const id = metadataOf(file, `tokenizer.ggml.${name}_token_id`, 'number');
    const content = id === undefined ? undefined : tokens[id];
    return isAdded && id !== undefined && content !== undefined ? [{ id, content }] : [];
  };
  const before = special('bos', flag('add_bos_token') ?? addsBosByDefault);
  const after = special('eos', flag('add_eos_token') ?? false);
  return { version: '1.0', truncation: null, padding: null, added_tokens: added, post_processor: template(before, after) };
}

interface SpecialToken {
  readonly id: number;
  readonly content: string;
}

function template(before: readonly SpecialToken[], after: readonly SpecialToken[]): object {
  const around = (sequenceId: string, typeId: number) => [
    ...before.map(({ content }) => ({ SpecialToken: { id: content, type_id: typeId } })),
    { Sequence: { id: sequenceId, type_id: typeId } },
    ...after.map(({ content }) => ({ SpecialToken: { id: content, type_id: typeId } })),
  ];
  const used = [...before, ...after].map(({ id, content }) => [content, { id: content, ids: [id], tokens: [content] }]);
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(used),
  };
}

function idsOf(tokens: readonly string[]): Record<string, number> {
  return Object.fromEntries(tokens.map((token, id) => [token, id]));
}

interface Kinds {
  string: string;
  number: number;
  boolean: boolean;
}

function metadataOf<K extends keyof Kinds>(file: GgufFile, key: string, kind: K): Kinds[K] | undefined {
  const value = file.metadata.get(key);
  if (value !== undefined && typeof value !== kind) throw new GgufError(file.path, 0, `the metadata '${key}' is not a ${kind}`);
  return value as Kinds[K] | undefined;
}

function list<K extends 'string' | 'number'>(file: GgufFile, key: string, kind: K): readonly Kinds[K][] | undefined {
  const value = file.metadata.get(key);
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.some((item) => typeof item !== kind)) {
    throw new GgufError(file.path, 0, `the metadata '${key}' is not a list of ${kind}s`);
  }
  return value as Kinds[K][];
}
