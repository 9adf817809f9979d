/** A table of replacements is applied as Hugging Face's Rust library applies it. */
import fs from 'node:fs';
import { Tokenizer } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { precompiled } from '../../../../lib/lowrank/src/llama/tokenizer/parts/precompiledCharsmap';
import { temporaryFolder } from '../../../io/temporaryFolder';

interface Golden {
  readonly charsmap: string;
  readonly made: readonly { readonly text: string; readonly normalized: string }[];
}

const { charsmap, made }: Golden = JSON.parse(fs.readFileSync(new URL('../../../golden/precompiled.json', import.meta.url), 'utf8'));
const path = temporaryFolder();

describe('a text is normalized as by the Rust library', () => {
  test.each(made)('$text', ({ text, normalized }) => {
    expect(precompiled(charsmap)(text)).toBe(normalized);
  });
});

const vocab = { '<unk>': 0, A: 1, '1': 2, '/': 3, '2': 4, '½': 5 };

function tokenizerWith(table: unknown): Promise<Tokenizer> {
  const normalizer = { type: 'Sequence', normalizers: [{ type: 'Precompiled', precompiled_charsmap: table }] };
  const model = { type: 'BPE', vocab, merges: [], unk_token: '<unk>' };
  fs.writeFileSync(path('tokenizer.json'), JSON.stringify({ model, added_tokens: [], normalizer }));
  return Tokenizer.fromPretrained(path(''));
}

test('a tokenizer applies its own table', async () => {
  expect((await tokenizerWith(charsmap)).encode('Ａ½')).toEqual([1, 2, 3, 4]);
});

describe('a damaged table is refused', () => {
  const bytes = Buffer.from(charsmap, 'base64');
  test.each([
    ['none', undefined],
    ['a number', 7],
    ['empty', ''],
    ['no base64', '{}'],
    ['cut', bytes.subarray(0, bytes.readUInt32LE(0)).toString('base64')],
    ['of another size', Buffer.from([7, 0, 0, 0, ...bytes.subarray(4)]).toString('base64')],
  ])('%s', async (_, table) => {
    await expect(tokenizerWith(table)).rejects.toThrow(/cannot be built \(.*"precompiled_charsmap"/);
  });

  test('and one whose trie leads out of it replaces nothing', () => {
    const wild = Buffer.alloc(4 + 4 * 256 + 1, 0xff);
    wild.writeUInt32LE(4 * 256, 0);
    expect(precompiled(wild.toString('base64'))('aé字')).toBe('aé字');
  });
});
