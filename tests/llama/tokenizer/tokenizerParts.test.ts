import fs from 'node:fs';
import { Tokenizer } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { correctMetaspace } from '../../../lib/lowrank/src/llama/tokenizer/parts/byteDecoders';
import { exactPreTokenizer } from '../../../lib/lowrank/src/llama/tokenizer/parts/preTokenizer';
import { temporaryFolder } from '../../io/temporaryFolder';

const path = temporaryFolder();
const { texts, model, made }: Golden = JSON.parse(fs.readFileSync(new URL('../../golden/tokenizerParts.json', import.meta.url), 'utf8'));

/** What Hugging Face's library made of each text with each part. */
interface Golden {
  readonly texts: string[];
  readonly model: { readonly vocab: object };
  readonly made: readonly { readonly part: object; readonly ids: number[][]; readonly decoded?: string[]; readonly skipped?: string[] }[];
}

async function withPart(part: object): Promise<Tokenizer> {
  fs.writeFileSync(path('tokenizer.json'), JSON.stringify({ model, added_tokens: [], ...part }));
  return Tokenizer.fromPretrained(path(''));
}

describe('a part of tokenizer.json gives the ids of the Python library', () => {
  test.each(made.map((one) => [JSON.stringify(one.part).slice(0, 200), one] as const))('%s', async (_, { part, ids, decoded, skipped }) => {
    const tokenizer = await withPart(part);
    expect(texts.map((text) => tokenizer.encode(text))).toEqual(ids);
    if (decoded) expect(ids.map((row) => tokenizer.decode(row))).toEqual(decoded);
    if (skipped) expect(ids.map((row) => tokenizer.decode(row, { skipSpecialTokens: true }))).toEqual(skipped);
  });
});

test('bytes that are no text are decoded, more of them than a call takes arguments', async () => {
  const tokenizer = await withPart({
    model: { type: 'BPE', vocab: { '<0xFF>': 0 }, merges: [], byte_fallback: true },
    decoder: { type: 'ByteFallback' },
  });
  expect(tokenizer.decode(Array(200_000).fill(0))).toBe('\uFFFD'.repeat(200_000));
});

describe('a value that the format does not have is refused by its name', () => {
  const split = { type: 'Split', pattern: { String: ' ' }, behavior: 'Isolated', invert: false };
  const space = { type: 'Metaspace', replacement: '▁' };
  const writer = { type: 'TemplateProcessing', single: [], pair: [], special_tokens: {} };
  test.each([
    [{ pre_tokenizer: { ...split, behavior: 'isolated' } }, /"behavior": "isolated"; it is one of Removed, Isolated, Merged/],
    [{ pre_tokenizer: { ...split, behavior: undefined } }, /Split has "behavior": undefined; there are Removed, Isolated/],
    [{ pre_tokenizer: { ...split, pattern: ' ' } }, /Split has the pattern " "; it is \{"String": …\} or \{"Regex": …\}/],
    [{ pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Splitt' }] } }, /the pre-tokenizer "Splitt" is not supported/],
    [{ pre_tokenizer: { type: 'constructor' } }, /the pre-tokenizer "constructor" is not supported/],
    [{ pre_tokenizer: { ...space, prepend_scheme: 'sometimes' } }, /"prepend_scheme": "sometimes"; it is one of first, never, always/],
    [{ pre_tokenizer: { ...space, add_prefix_space: false } }, /"add_prefix_space": false and "prepend_scheme": "always", which disagree/],
    [{ decoder: { ...space, prepend_scheme: 'sometimes' } }, /"prepend_scheme": "sometimes"/],
    [
      { pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits' }, { ...space, prepend_scheme: 'first' }] } },
      /"first" after another cut is not/,
    ],
    [{ decoder: { type: 'CTC' } }, /the decoder "CTC", which is for speech/],
    [{ decoder: { type: 'Sequence', decoders: [{ type: 'Fuse' }, { type: 'CTC' }] } }, /the decoder "CTC"/],
    [{ decoder: { type: 'Strip', content: ' ', start: 1, stop: 1 } }, /a decoder "Strip" with a start and a stop, by which the Python/],
    [{ model: { type: 'Unigram', vocab: [['a', 0]], unk_id: null } }, /the model Unigram has "unk_id": null; give it the id/],
    [{ post_processor: { type: 'Sequence', processors: [writer, writer] } }, /2 post-processors in a row that add tokens are not supp/],
    [
      {
        normalizer: { type: 'Strip', strip_left: true },
        added_tokens: [{ id: Object.keys(model.vocab).length, content: '   ', normalized: true }],
      },
      /the normalizer leaves nothing of the added token " {3}"; set "normalized" to false/,
    ],
    [
      {
        normalizer: { type: 'Lowercase' },
        added_tokens: ['TOK', 'Tok'].map((content, index) => ({ id: Object.keys(model.vocab).length + index, content, normalized: true })),
      },
      /the normalizer makes the same of the added tokens "TOK" and "Tok"; keep one of them/,
    ],
    [{ decoder: { type: 'Foo' } }, /Unknown Decoder type: Foo/],
    [{ normalizer: { type: 'Foo' } }, /Unknown Normalizer type: Foo/],
    [{ post_processor: { type: 'Foo' } }, /Unknown PostProcessor type: Foo/],
    [{ model: { ...model, type: 'BPE2' } }, /the model has the type "BPE2"; there are BPE, Unigram, WordPiece, WordLevel/],
    [{ model: { ...model, end_of_word_suffix: '</w>' } }, /"end_of_word_suffix": "<\/w>", with which no LLaMA merges tokens/],
    [{ model: { ...model, continuing_subword_prefix: '##' } }, /"continuing_subword_prefix": "##"/],
    [{ truncation: { direction: 'Up' } }, /"direction": "Up"; it is one of Left, Right/],
  ])('%j', async (part, message) => {
    await expect(withPart(part)).rejects.toThrow(message);
  });
});

test('Whitespace takes joiners and numbers that are letters for parts of a word, as the Python library does', () => {
  const { pattern } = exactPreTokenizer({ type: 'Whitespace' }) as { pattern: { Regex: string } };
  const text = 'a\u200db\u200cc x\u2160y\u24b6z!? \u{1f469}\u200d\u{1f469}';
  const pieces = ['a\u200db\u200cc', 'x\u2160y\u24b6z', '!?', '\u{1f469}', '\u200d', '\u{1f469}'];
  expect(text.match(new RegExp(pattern.Regex, 'gu'))).toEqual(pieces);
});

test.each([
  ['always', 'a b| xy| a|ab c |  x'],
  ['first', 'a b| xy| a|ab c |  x'],
  ['never', '  a b| xy|  a|a b c |  x'],
])('Metaspace with %s makes of its signs the blanks that the Python library makes', (scheme, expected) => {
  const definition = { type: 'Metaspace', replacement: '▁', prepend_scheme: scheme };
  const part = Object.assign(() => '', { config: definition, decode_chain: (tokens: string[]) => tokens });
  correctMetaspace(part, definition);
  const rows = [['▁▁a', '▁b'], [' x', 'y'], ['▁', '▁a'], ['a▁b', '▁c▁'], ['  x']];
  expect(rows.map((row) => part.decode_chain(row).join('')).join('|')).toBe(expected);
});

test('a character that neither the vocabulary nor an unknown token stands for is refused, and not left out', async () => {
  const tokenizer = await withPart({ model: { ...model, unk_token: null } });
  expect(tokenizer.encode('ab')).toHaveLength(2);
  expect(() => tokenizer.encode('a漢b')).toThrow(/the vocabulary lacks a character of this text, and there is no unknown token/);
});
