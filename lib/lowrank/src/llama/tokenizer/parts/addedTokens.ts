/** Finds added tokens in a text as Hugging Face's Rust library does. */
import { isJsonObject, type JsonObject } from '../../../io';
import { shown } from '../../../runtime/messages/shown';

interface AddedToken {
  /** The token as the file spells it. */
  readonly name: string;
  /** The text to find: the token, normalized if the normalizer applies to it. */
  readonly content: string;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/** The parts of the JavaScript library's tokenizer that this file uses, and what it changes: how a text becomes tokens. */
interface Parts {
  encode_text: (text: string | null) => string[] | null;
  readonly normalizer: ((text: string) => string) | null;
  readonly pre_tokenizer: ((text: string, options: { readonly section_index: number }) => string[]) | null;
  readonly model: ((words: readonly string[]) => string[]) & Model;
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
  readonly added_tokens_map: Map<string, { readonly id: number }>;
  token_to_id: (token: string) => number | undefined;
}

interface Model {
  readonly vocab: string[];
  readonly tokens_to_ids: Map<string, number>;
  readonly config: JsonObject;
}

/**
 * Corrects how the JavaScript library finds added tokens. It takes all of them at once where there is no normalizer, so the longest wins
 * although tokens that are not normalized come first; with `lstrip` or `rstrip` it drops a byte order mark; it takes a text for a token
 * that only the normalizer or the model made so; and it reads a normalized token as it was before the normalizer.
 */
export function findAddedTokens(engine: object, added: readonly unknown[]): void {
  const parts = engine as Parts;
  const { normalizer, pre_tokenizer: cut, model, added_tokens_map: byName } = parts;
  const { vocab } = model.config;
  const isOfModel = (name: string, id: unknown) =>
    Array.isArray(vocab) ? Number(id) < vocab.length : isJsonObject(vocab) && Object.hasOwn(vocab, name);
  const tokens = added.filter(isJsonObject).map((token) => {
    const isNormalized = token.normalized === true;
    const name = String(token.content);
    const content = isNormalized && normalizer ? normalizer(name) : name;
    if (content === '' && name !== '')
      throw new Error(`the normalizer leaves nothing of the added token ${shown(name)}; set "normalized" to false`);
    if (isNormalized) model.vocab[Number(token.id)] = content;
    if (!isOfModel(name, token.id)) model.tokens_to_ids.delete(name);
    return { name, content, isNormalized, lstrip: token.lstrip === true, rstrip: token.rstrip === true };
  });
  byName.clear(); // it holds tokens by what a normalizer makes of them, too
  for (const token of parts.added_tokens) byName.set(token.content, token);
  parts.token_to_id = (token) => byName.get(token)?.id ?? model.tokens_to_ids.get(token);
  const [plain, normalized] = [false, true].map((which) => stage(tokens.filter(({ isNormalized }) => isNormalized === which)));
  if (!plain || !normalized) return;
  const words = (text: string, isFirst: boolean) => model(cut ? cut(text, { section_index: isFirst ? 0 : 1 }) : [text]);
  const found = (pieces: readonly Piece[], read: (text: string, isFirst: boolean) => string[], isFirst: boolean) =>
    pieces.flatMap((piece, index) => (typeof piece === 'string' ? read(piece, isFirst && index === 0) : [piece.name]));
  parts.encode_text = (text) =>
    text === null
      ? null
      : found(plain(text), (piece, isFirst) => found(normalized(normalizer ? normalizer(piece) : piece), words, isFirst), true);
}

type Piece = string | AddedToken;

/** Parts texts at some tokens. */
function stage(tokens: readonly AddedToken[]): (text: string) => Piece[] {
  const byContent = new Map<string, AddedToken>();
  for (const token of tokens) {
    const other = byContent.get(token.content);
    if (other && other.name !== token.name)
      throw new Error(`the normalizer makes the same of the added tokens ${shown(other.name)} and ${shown(token.name)}; keep one of them`);
    if (token.content !== '') byContent.set(token.content, token);
  }
  const lengths = lengthsByUnit([...byContent.keys()]);
  const at = (text: string, index: number) => {
    for (const length of lengths.get(text.charAt(index)) ?? []) {
      const token = byContent.get(text.slice(index, index + length));
      if (token) return token;
    }
    return undefined;
  };
  return (text) => parted(text, at);
}

/** The lengths of the texts that begin with a character, the longest first. */
function lengthsByUnit(contents: readonly string[]): ReadonlyMap<string, readonly number[]> {
  const lengths = new Map<string, Set<number>>();
  for (const content of contents) {
    const unit = content.charAt(0);
    lengths.set(unit, (lengths.get(unit) ?? new Set<number>()).add(content.length));
  }
  return new Map(Array.from(lengths, ([unit, each]) => [unit, [...each].sort((a, b) => b - a)]));
}

/** Rust's blanks: without the byte order mark, which JavaScript trims too. */
const BLANK = '[\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const BLANKS_BEFORE = new RegExp(`(?<!${BLANK})${BLANK}*$`);
const BLANKS_AFTER = new RegExp(`${BLANK}*`, 'y');

function parted(text: string, tokenAt: (text: string, index: number) => AddedToken | undefined): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (let index = 0; index < text.length; ) {
    const token = tokenAt(text, index);
    if (!token) {
      index++;
      continue;
    }
    const start = token.lstrip ? done + text.slice(done, Math.max(done, index)).replace(BLANKS_BEFORE, '').length : index;
    if (start > done) pieces.push(text.slice(done, start));
    index += token.content.length;
    BLANKS_AFTER.lastIndex = index;
    done = token.rstrip ? index + (BLANKS_AFTER.exec(text)?.[0].length ?? 0) : index;
    if (start < done) pieces.push(token); // or the token before it has taken its blanks
  }
  if (done < text.length) pieces.push(text.slice(done));
  return pieces;
}
