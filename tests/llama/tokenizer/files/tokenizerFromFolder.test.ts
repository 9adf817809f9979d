import fs from 'node:fs';
import { FormatError, Tokenizer } from 'lowrank';
import { describe, expect, test, vi } from 'vitest';
import { tokenizerFromFolder } from '../../../../lib/lowrank/src/llama/tokenizer/files/tokenizerFromFolder';
import { temporaryFolder } from '../../../io/temporaryFolder';

const path = temporaryFolder();
const tokenizerJson = {
  added_tokens: [],
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false },
  decoder: { type: 'ByteLevel' },
  model: { type: 'BPE', vocab: { a: 0, b: 1, '<e>': 2, '<p>': 3, '<x>': 4 }, merges: [] },
};

async function read(name: string, files: Readonly<Record<string, object>>): Promise<Tokenizer> {
  fs.mkdirSync(path(name));
  for (const [file, content] of Object.entries({ 'tokenizer.json': tokenizerJson, ...files })) {
    fs.writeFileSync(path(`${name}/${file}`), JSON.stringify(content));
  }
  return Tokenizer.fromPretrained(path(name));
}

test('special tokens stand in special_tokens_map.json too, and are matched whole', async () => {
  const tokenizer = await read('map', { 'special_tokens_map.json': { eos_token: { content: '<e>' }, pad_token: '<p>' } });
  expect(tokenizer).toMatchObject({ eosTokenId: 2, padTokenId: 3 });
  expect(tokenizer.encode('a<e>b<p>')).toEqual([0, 2, 1, 3]);
  expect(tokenizer.decode([0, 2, 1], { skipSpecialTokens: true })).toBe('ab');
});

test('it goes before tokenizer_config.json, unless that lists the added tokens, as in transformers', async () => {
  const files = { 'tokenizer_config.json': { eos_token: '<p>' }, 'special_tokens_map.json': { eos_token: '<e>' } };
  expect((await read('both', files)).eosTokenId).toBe(2);
  const listing = { eos_token: '<p>', added_tokens_decoder: { 3: { content: '<p>', special: true } } };
  expect((await read('listing', { ...files, 'tokenizer_config.json': listing })).eosTokenId).toBe(3);
});

test('new special tokens get their ids in the order of their names, wherever they stand, then those with other names, then the list', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const config = { mask_token: '<m>', image_token: '<i>', additional_special_tokens: ['<l>'] };
  const tokenizer = await read('order', { 'tokenizer_config.json': config, 'special_tokens_map.json': { pad_token: '<q>' } });
  expect(['<q>', '<m>', '<i>', '<l>'].map((token) => tokenizer.tokenToId(token))).toEqual([5, 6, 7, 8]);
});

test('an added token that is used as a special one is one, unless it is only in the list of further ones', async () => {
  const added = ['<e>', '<p>', '<x>'].map((content, index) => ({ id: index + 2, content, normalized: false, special: false }));
  const config = { eos_token: '<e>', image_token: '<p>', additional_special_tokens: ['<x>'] };
  const files = { 'tokenizer.json': { ...tokenizerJson, added_tokens: added }, 'tokenizer_config.json': config };
  expect((await read('used', files)).decode([0, 2, 3, 4, 1], { skipSpecialTokens: true })).toBe('a<x>b');
});

describe('which tokens are special where the places differ in form, as transformers 5.23 decides', () => {
  const object = { __type: 'AddedToken', content: '<p>', lstrip: false, rstrip: false, single_word: false, normalized: false };
  const added = [{ ...object, id: 3, special: false }];
  test.each<[string, Readonly<Record<string, object>>, string]>([
    [
      'a list beside a mapping is too late for added_tokens.json',
      {
        'tokenizer_config.json': { extra_special_tokens: { x_token: '<e>' }, additional_special_tokens: ['<p>'] },
        'added_tokens.json': { '<p>': 3 },
      },
      'a<p><x>b',
    ],
    ['an object with a name of its own', { 'tokenizer_config.json': { image_token: object } }, 'a<e><x>b'],
    ['the same without its type', { 'tokenizer_config.json': { image_token: { content: '<p>' } } }, 'a<e><p><x>b'],
    ['an object in the map', { 'special_tokens_map.json': { image_token: { content: '<p>' } } }, 'a<e><x>b'],
    [
      'a mapping in the map replaces the list',
      {
        'tokenizer_config.json': { extra_special_tokens: ['<p>'] },
        'special_tokens_map.json': { extra_special_tokens: { x_token: '<e>' } },
      },
      'a<p><x>b',
    ],
    [
      "the configuration's name goes before the map's",
      { 'tokenizer_config.json': { image_token: '<e>' }, 'special_tokens_map.json': { image_token: '<p>' } },
      'a<p><x>b',
    ],
    [
      'an object in a list says itself whether it is special',
      { 'tokenizer_config.json': { extra_special_tokens: [object] } },
      'a<e><p><x>b',
    ],
    [
      'an entry of tokenizer.json goes before added_tokens.json',
      {
        'tokenizer.json': { ...tokenizerJson, added_tokens: added },
        'tokenizer_config.json': { extra_special_tokens: ['<p>'] },
        'added_tokens.json': { '<p>': 3 },
      },
      'a<e><p><x>b',
    ],
  ])('%s', async (name, files, text) => {
    expect((await read(`form ${name}`, files)).decode([0, 2, 3, 4, 1], { skipSpecialTokens: true })).toBe(text);
  });
});

test('the token that pads may be named by the padding of tokenizer.json', async () => {
  const padded = { ...tokenizerJson, padding: { pad_token: '<p>', pad_id: 3 } };
  expect((await read('padding', { 'tokenizer.json': padded })).padTokenId).toBe(3);
});

test("where neither names one, the model's configuration does, the one for generation first", async () => {
  expect((await read('config', { 'config.json': { eos_token_id: 2, pad_token_id: 3 } })).eosTokenId).toBe(2);
  const files = { 'config.json': { eos_token_id: 2 }, 'generation_config.json': { eos_token_id: [3, 2] } };
  expect((await read('generation', files)).eosTokenId).toBe(3);
});

test('added tokens stand in added_tokens.json, added_tokens_decoder and the lists of further special tokens', async () => {
  const older = await read('older', { 'added_tokens.json': { '<new>': 5 } });
  expect(older.encode('a<new>b')).toEqual([0, 5, 1]);
  const decoder = { added_tokens_decoder: { 5: { content: '<new>', special: true } } };
  const newer = await read('newer', { 'tokenizer_config.json': decoder });
  expect(newer.encode('a<new>b')).toEqual([0, 5, 1]);
  expect(newer.decode([0, 5], { skipSpecialTokens: true })).toBe('a');
  for (const list of [{ additional_special_tokens: ['<x>'] }, { extra_special_tokens: { x_token: '<x>' } }]) {
    const listed = await read(Object.keys(list).join(), { 'tokenizer_config.json': list });
    expect(listed.encode('a<x>')).toEqual([0, 4]);
  }
});

test('special tokens to which no file gives an id get the next ones, in the order of transformers, and a warning', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const config = { pad_token: '[PAD]', sep_token: '[SEP]', eos_token: '<e>', additional_special_tokens: ['<new>'] };
  const tokenizer = await read('without ids', { 'tokenizer_config.json': config });
  expect(tokenizer).toMatchObject({ eosTokenId: 2, padTokenId: 6, vocabSize: 8 });
  expect(tokenizer.encode('a[SEP]b[PAD]<new>')).toEqual([0, 5, 1, 6, 7]);
  expect(warn.mock.calls.map(([text]) => String(text))).toEqual([
    expect.stringMatching(/ \(3\) get the next, as in transformers: "\[SEP\]" 5, "\[PAD\]" 6, "<new>" 7; .* resizeTokenEmbeddings\(8\)/),
  ]);
  warn.mockRestore();
});

test('100,000 special tokens without ids are read in seconds, with one warning', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const folder = path('many');
  fs.mkdirSync(folder);
  const names = Array.from({ length: 100_000 }, (_, index) => `<${index}>`);
  fs.writeFileSync(`${folder}/tokenizer.json`, JSON.stringify(tokenizerJson));
  fs.writeFileSync(`${folder}/tokenizer_config.json`, JSON.stringify({ additional_special_tokens: names }));
  expect(tokenizerFromFolder(folder).tokenizerJson.added_tokens).toHaveLength(100_000);
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/\(100000\) get the next.*"<4>" \d+, …; .*resizeTokenEmbeddings\(100005\)/)]]);
  warn.mockRestore();
});

test.each(['"c"', '-1', '0.5', '1e15', 'null', '{}'])(
  'a vocabulary in which a token has the id %s is refused, and says where',
  async (id) => {
    const vocab = { ...tokenizerJson.model.vocab, b: JSON.parse(id) };
    const files = { 'tokenizer.json': { ...tokenizerJson, model: { ...tokenizerJson.model, vocab } } };
    await expect(read(`ids ${id}`, files)).rejects.toThrow(/tokenizer\.json: the token "b" has the id .*, which is not a whole number/);
  },
);

test('a vocabulary that is a text is refused, and says where', async () => {
  const files = { 'tokenizer.json': { ...tokenizerJson, model: { ...tokenizerJson.model, vocab: '[ob]' } } };
  await expect(read('text', files)).rejects.toThrow(/tokenizer\.json: the vocabulary is "\[ob\]", and not tokens with their ids/);
});

test('a post-processor of another form is an error that names the folder, when it is used', async () => {
  const single = [{ Sequence: { id: 'A' } }, -0.5];
  const wrong = { ...tokenizerJson, post_processor: { type: 'TemplateProcessing', single, pair: [], special_tokens: {} } };
  const tokenizer = await read('post', { 'tokenizer.json': wrong });
  expect(() => tokenizer.encode('ab')).toRefuse(FormatError, `${path('post')}: this tokenizer cannot encode a text`);
});

test('a decoder of another form is an error that names the folder, when it is used', async () => {
  const wrong = { ...tokenizerJson, decoder: { type: 'Metaspace', replacement: { toString: 1, valueOf: 1 } } };
  const tokenizer = await read('decoder', { 'tokenizer.json': wrong });
  expect(() => tokenizer.decode([0, 1])).toRefuse(FormatError, `${path('decoder')}: this tokenizer cannot decode tokens`);
});

test('a tokenizer whose building has no end is stopped', async () => {
  const added = [{ id: 5, content: 'a'.repeat(60), special: false, normalized: true }];
  const wrong = { ...tokenizerJson, added_tokens: added, normalizer: { type: 'Replace', pattern: { Regex: '(a+)+b' }, content: '' } };
  await expect(read('building', { 'tokenizer.json': wrong })).rejects.toThrow(
    /building: this tokenizer cannot be built \(building it takes more than \d+ ms/,
  );
});

describe('ids on which the files disagree are refused, because transformers gives some tokens others', () => {
  const token = (id: number, content: string) => ({ id, content, single_word: false, lstrip: false, rstrip: false, special: true });
  const decoder = (id: number, content: string) => ({ 'tokenizer_config.json': { added_tokens_decoder: { [id]: token(id, content) } } });
  test.each([
    [
      'one token with two ids',
      decoder(3, '<e>'),
      /the token "<e>" has two ids, 2 and 3; keep the right one in tokenizer.json, tokenizer_c/,
    ],
    ['one id with two tokens', decoder(2, '<new>'), /the id 2 belongs to two tokens, "<e>" and "<new>"/],
    ['the same in added_tokens.json', { 'added_tokens.json': { '<new>': 2 } }, /the id 2 belongs to two tokens, "<e>" and "<new>"/],
    ['an id that leaves others out', decoder(7, '<new>'), /the added token "<new>" has the id 7, and 5 is the next: transformers gives it/],
    [
      'two tokens in one list',
      { 'tokenizer.json': { ...tokenizerJson, added_tokens: [token(5, '<a>'), token(5, '<b>')] } },
      /the id 5 belongs to two tokens, "<a>" and "<b>"/,
    ],
  ])('%s', async (name, files, message) => {
    await expect(read(`ids ${name}`, files)).rejects.toThrow(message);
  });

  test('what they agree on is read', async () => {
    const tokenizer = await read('agree', { 'added_tokens.json': { '<e>': 2, '<new>': 5 } });
    expect(tokenizer.encode('a<e><new>')).toEqual([0, 2, 5]);
  });
});

test.each([
  [{ type: 'RobertaProcessing', cls: ['<e>', 3], sep: ['<p>', 3] }, /the post-processor writes the ids \[3\] for "<e>", whose id is 2/],
  [
    { type: 'TemplateProcessing', single: [], pair: [], special_tokens: { '<e>': { id: '<e>', ids: [2, 3], tokens: ['<e>', '<p>'] } } },
    /the post-processor writes the ids \[2,3\] for "<e>", whose id is 2/,
  ],
])('a post-processor that writes other ids than its tokens have is refused (%#)', async (post, message) => {
  const files = { 'tokenizer.json': { ...tokenizerJson, post_processor: post } };
  await expect(read(`post ${post.type}`, files)).rejects.toThrow(message);
});

test('settings of tokenizer_config.json that tokenizer.json contradicts are refused, or said to do nothing', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  await read('space', { 'tokenizer_config.json': { add_prefix_space: true, tokenizer_class: 'Qwen2Tokenizer' } });
  expect(warn.mock.calls.flat().join()).toMatch(
    /transformers 5 replaces the rules of tokenizer.json by those of its class Qwen2Tokenizer, which cut texts differently; here/,
  );
  await expect(read('unsplit', { 'tokenizer_config.json': { split_special_tokens: true } })).rejects.toThrow(
    /"split_special_tokens": true/,
  );
  warn.mockRestore();
});

describe('what the engine would encode by other rules is refused', () => {
  const { model } = tokenizerJson;
  const token = { id: 5, content: 'word', single_word: true, lstrip: false, rstrip: false, normalized: false, special: false };
  test.each([
    ['a token of whole words', { added_tokens: [token] }, /the token "word" has "single_word": true, which is not supported/],
    ['BPE dropout', { model: { ...model, dropout: 0.5 } }, /"dropout": 0.5, which makes encoding random/],
    ['a merge of an unknown token', { model: { ...model, merges: ['a b'] } }, /the merge "a b" needs the token "ab", which the vocabulary/],
    ['the same as a pair', { model: { ...model, merges: [['a', 'q']] } }, /the merge \["a","q"\] needs the token "q"/],
  ])('%s', async (name, change, message) => {
    await expect(read(name, { 'tokenizer.json': { ...tokenizerJson, ...change } })).rejects.toThrow(message);
  });

  test('a text with a token that has no id', async () => {
    const words = { ...tokenizerJson, pre_tokenizer: { type: 'Whitespace' }, model: { type: 'WordLevel', vocab: { a: 0, b: 1 } } };
    const tokenizer = await read('words', { 'tokenizer.json': words });
    expect(tokenizer.encode('a b')).toEqual([0, 1]);
    expect(() => tokenizer.encode('a c')).toThrow(/the token "c" has no id, and there is no unknown token/);
  });
});

test('named chat templates without a default one are said to be unused', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const named = ['tool_use', 'rag'].map((name) => ({ name, template: 'T' }));
  const tokenizer = await read('named', { 'tokenizer_config.json': { chat_template: named } });
  expect(() => tokenizer.applyChatTemplate([])).toThrow(/no chat template/);
  expect(warn.mock.calls.flat().join()).toMatch(/none of its chat templates \(tool_use, rag\) is named default, so none is used/);
  warn.mockRestore();
});
