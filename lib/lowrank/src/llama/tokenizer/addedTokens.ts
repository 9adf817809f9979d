/** Finds added tokens in a text as Hugging Face's Rust library does. */
import { isJsonObject } from '../../io';

interface AddedToken {
  /** What is looked for: the token, after the normalizer if it applies to the token. */
  readonly content: string;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
}

/** The parts of the JavaScript library's tokenizer that this file changes. */
interface Parts {
  splitter_unnormalized: Splitter;
  splitter_normalized: Splitter;
  readonly normalizer: ((text: string) => string) | null;
  readonly added_tokens_map: ReadonlyMap<string, { lstrip: boolean; rstrip: boolean }>;
  readonly model: { readonly vocab: string[] };
}

interface Splitter {
  split(text: string): string[];
}

/**
 * Corrects how the JavaScript library finds added tokens. It takes all of them at once where there is no normalizer, so the longest wins
 * although tokens that are not normalized come first; and with `lstrip` or `rstrip` it drops a byte order mark. It also reads a normalized
 * token as it was before the normalizer.
 */
export function findAddedTokens(engine: object, added: readonly unknown[]): void {
  const parts = engine as Parts;
  const { normalizer } = parts;
  const tokens = added.filter(isJsonObject).map((token) => {
    const isNormalized = token.normalized === true;
    const content = isNormalized && normalizer ? normalizer(String(token.content)) : String(token.content);
    if (isNormalized && token.special !== true) parts.model.vocab[Number(token.id)] = content;
    return { content, isNormalized, lstrip: token.lstrip === true, rstrip: token.rstrip === true };
  });
  const [plain, normalized] = [false, true].map((which) => stage(tokens.filter(({ isNormalized }) => isNormalized === which)));
  if (!plain || !normalized) return;
  parts.splitter_unnormalized = { split: (text) => texts(normalizer ? plain([text]) : normalized(plain([text]))) };
  parts.splitter_normalized = { split: (text) => (normalizer ? texts(normalized([text])) : [text]) };
  for (const token of parts.added_tokens_map.values()) Object.assign(token, { lstrip: false, rstrip: false }); // done here
}

type Piece = string | AddedToken;

const texts = (pieces: readonly Piece[]): string[] => pieces.map((piece) => (typeof piece === 'string' ? piece : piece.content));

/** Parts texts at some tokens; those that were found before stay whole. */
function stage(tokens: readonly AddedToken[]): (pieces: readonly Piece[]) => Piece[] {
  const byContent = new Map(tokens.filter(({ content }) => content !== '').map((token) => [token.content, token]));
  const lengths = lengthsByUnit([...byContent.keys()]);
  const at = (text: string, index: number) => {
    for (const length of lengths.get(text.charAt(index)) ?? []) {
      const token = byContent.get(text.slice(index, index + length));
      if (token) return token;
    }
    return undefined;
  };
  return (pieces) => pieces.flatMap((piece) => (typeof piece === 'string' ? parted(piece, at) : [piece]));
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

/** What Rust calls a blank: not the byte order mark, which JavaScript trims too. */
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
    pieces.push(token);
    index += token.content.length;
    BLANKS_AFTER.lastIndex = index;
    done = token.rstrip ? index + (BLANKS_AFTER.exec(text)?.[0].length ?? 0) : index;
  }
  if (done < text.length) pieces.push(text.slice(done));
  return pieces;
}
