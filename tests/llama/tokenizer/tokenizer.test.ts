import fs from 'node:fs';
import { ArgumentError, type ChatMessage, FormatError, Tokenizer, UnsupportedError } from 'lowrank';
import { beforeAll, describe, expect, test } from 'vitest';
import { defaultModelPath } from '../../../lib/lowrank/src/cli/defaultModel';
import { GgufError } from '../../../lib/lowrank/src/io';
import { array, type Field, float32, GGUF, ggufFile, string, uint32 } from '../../io/ggufFile';
import { temporaryFolder } from '../../io/temporaryFolder';

const path = temporaryFolder();
// Not imported: a bundler cannot carry the half surrogate pairs that some texts hold.
const golden: Golden = JSON.parse(fs.readFileSync(new URL('../../golden/tokenizer.json', import.meta.url), 'utf8'));
const { texts, smollm2, sentencePiece, llamaBpe } = golden;

/** What transformers made of each text. */
interface Encodings {
  readonly ids: number[][];
  readonly plainIds: number[][];
  readonly decoded: string[];
  readonly decodedPlain: string[];
  readonly vocabSize: number;
  readonly bos: number;
  readonly eos: number;
}
interface Golden {
  readonly texts: string[];
  readonly smollm2: Encodings & { readonly chats: { readonly messages: ChatMessage[]; readonly text: string; readonly prompt: string }[] };
  readonly sentencePiece: Encodings & { readonly tokens: string[]; readonly scores: number[]; readonly types: number[] };
  readonly llamaBpe: Encodings & { readonly tokens: string[]; readonly merges: string[]; readonly types: number[] };
}

async function fromFields(fields: readonly Field[]): Promise<Tokenizer> {
  fs.writeFileSync(path('vocabulary.gguf'), ggufFile({ fields }));
  return Tokenizer.fromPretrained(path('vocabulary.gguf'));
}

const strings = (key: string, items: readonly string[]): Field => [key, GGUF.array, array(GGUF.string, items.map(string))];
const integers = (key: string, items: readonly number[]): Field => [key, GGUF.array, array(GGUF.int32, items.map(uint32))];
const text = (key: string, value: string): Field => [key, GGUF.string, string(value)];
const id = (key: string, value: number): Field => [key, GGUF.uint32, uint32(value)];

const sentencePieceFields: readonly Field[] = [
  text('tokenizer.ggml.model', 'llama'),
  strings('tokenizer.ggml.tokens', sentencePiece.tokens),
  ['tokenizer.ggml.scores', GGUF.array, array(GGUF.float32, sentencePiece.scores.map(float32))],
  integers('tokenizer.ggml.token_type', sentencePiece.types),
  id('tokenizer.ggml.bos_token_id', 1),
  id('tokenizer.ggml.eos_token_id', 2),
  id('tokenizer.ggml.unknown_token_id', 0),
];
const llamaBpeFields: readonly Field[] = [
  text('tokenizer.ggml.model', 'gpt2'),
  text('tokenizer.ggml.pre', 'llama-bpe'),
  strings('tokenizer.ggml.tokens', llamaBpe.tokens),
  strings('tokenizer.ggml.merges', llamaBpe.merges),
  integers('tokenizer.ggml.token_type', llamaBpe.types),
  id('tokenizer.ggml.bos_token_id', 0),
  id('tokenizer.ggml.eos_token_id', 1),
  ['tokenizer.ggml.add_bos_token', GGUF.bool, Uint8Array.of(1)],
];

describe.each([
  ['SmolLM2', smollm2, () => Tokenizer.fromPretrained(defaultModelPath())],
  ["a SentencePiece vocabulary of LLaMA 2's kind", sentencePiece, () => fromFields(sentencePieceFields)],
  ["a byte-level vocabulary of LLaMA 3's kind", llamaBpe, () => fromFields(llamaBpeFields)],
])('%s in a GGUF file, as transformers reads it', (_, expected, load) => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await load();
  });

  test.each(texts.map((given, index) => [JSON.stringify(given).slice(0, 40), given, index] as const))(
    'the ids of %s',
    (_label, given, index) => {
      expect(tokenizer.encode(given)).toEqual(expected.ids[index]);
      expect(tokenizer.encode(given, { addSpecialTokens: false })).toEqual(expected.plainIds[index]);
    },
  );

  test('the texts of the ids', () => {
    expect(expected.ids.map((ids) => tokenizer.decode(ids))).toEqual(expected.decoded);
    expect(expected.ids.map((ids) => tokenizer.decode(ids, { skipSpecialTokens: true }))).toEqual(expected.decodedPlain);
  });

  test('the size of the vocabulary and the special ids', () => {
    expect(tokenizer).toMatchObject({ vocabSize: expected.vocabSize, bosTokenId: expected.bos, eosTokenId: expected.eos });
  });
});

describe('a cut that a GGUF file names', () => {
  const cuts: { texts: string[]; ids: Record<string, number[][]> } = JSON.parse(
    fs.readFileSync(new URL('../../golden/cuts.json', import.meta.url), 'utf8'),
  );
  const cutBy = (name: string) =>
    fromFields(llamaBpeFields.map((field) => (field[0] === 'tokenizer.ggml.pre' ? text('tokenizer.ggml.pre', name) : field)));

  test.each(Object.keys(cuts.ids))("makes the tokens of the models' own tokenizer.json: %s", async (name) => {
    const tokenizer = await cutBy(name);
    for (const [index, given] of cuts.texts.entries()) {
      expect(tokenizer.encode(given, { addSpecialTokens: false }), given).toEqual(cuts.ids[name]?.[index]);
    }
  });

  test('cuts digits apart first in SmolLM, so that the blanks before them stay together', async () => {
    const tokenizer = await Tokenizer.fromPretrained(defaultModelPath());
    expect(tokenizer.encode('x =  42').map((id) => tokenizer.idToToken(id))).toEqual(['x', 'Ġ=', 'ĠĠ', '4', '2']);
    expect(tokenizer.encode('Hello world! 123')).toEqual([19556, 905, 17, 216, 33, 34, 35]); // as llama.cpp's users report it
  });

  test('is refused by its name where it is not known, with what to give instead', async () => {
    await expect(cutBy('martian')).rejects.toRefuse(UnsupportedError, /cut as 'martian' .*known are default, .*Hugging Face folder/);
  });
});

test('byte tokens that are no UTF-8 give one U+FFFD each, as in the Rust library', async () => {
  const tokenizer = await fromFields(sentencePieceFields);
  const byte = (value: string) => tokenizer.tokenToId(`<0x${value}>`) ?? -1;
  expect(tokenizer.decode(['61', 'F0', '9F'].map(byte))).toBe('\uFFFD\uFFFD\uFFFD');
  expect(tokenizer.decode(['C3', 'A9'].map(byte))).toBe('é');
});

describe('SmolLM2', () => {
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    tokenizer = await Tokenizer.fromPretrained(defaultModelPath());
  });

  test('its chat template gives the texts of transformers', () => {
    for (const { messages, text: whole, prompt } of smollm2.chats) {
      expect(tokenizer.applyChatTemplate(messages)).toBe(whole);
      expect(tokenizer.applyChatTemplate(messages, { addGenerationPrompt: true })).toBe(prompt);
    }
  });

  test('its byte-level ids give back any well-formed text', () => {
    for (const given of texts) expect(tokenizer.decode(tokenizer.encode(given))).toBe(given.replace(/\p{Surrogate}/gu, '\uFFFD'));
  });

  test('its tokens are known by id and by spelling', () => {
    expect(tokenizer.idToToken(2)).toBe('<|im_end|>');
    expect(tokenizer.tokenToId('Ġthe')).toBe(tokenizer.encode(' the')[0]);
    expect(tokenizer.idToToken(10 ** 9)).toBeUndefined();
  });

  test('ids outside the vocabulary are refused by value', () => {
    expect(() => tokenizer.decode([1, 49_152])).toRefuse(ArgumentError, 'token id 49152 is not in the vocabulary, 0…49151');
    expect(() => tokenizer.decode([-1])).toThrow('token id -1');
    expect(() => tokenizer.decode([0.5])).toThrow('token id 0.5');
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode(Int32Array.from([1, 2]) as never)).toBe(tokenizer.decode([1, 2]));
  });

  test('saved as tokenizer.json and read again it is the same, also where another one was', async () => {
    fs.mkdirSync(path('folder'));
    fs.writeFileSync(path('folder/chat_template.jinja'), 'of another one');
    fs.writeFileSync(path('folder/added_tokens.json'), '{"x = ":7}');
    tokenizer.savePretrained(path('folder'));
    const again = await Tokenizer.fromPretrained(path('folder'));
    expect(texts.map((given) => again.encode(given))).toEqual(smollm2.ids);
    expect(again.applyChatTemplate(smollm2.chats[0]?.messages ?? [])).toBe(smollm2.chats[0]?.text);
    expect(again).toMatchObject({ bosTokenId: 1, eosTokenId: 2, padTokenId: 2 });
  });
});

describe('what cannot be read is refused by name', () => {
  test('no file, no tokenizer.json, no vocabulary', async () => {
    await expect(Tokenizer.fromPretrained(path('missing'))).rejects.toThrow(/missing.*ENOENT/);
    fs.mkdirSync(path('bare'));
    await expect(Tokenizer.fromPretrained(path('bare'))).rejects.toThrow(/bare has no tokenizer\.json/);
    await expect(fromFields([text('tokenizer.ggml.model', 'gpt2')])).rejects.toThrow(/no vocabulary/);
  });

  test('a vocabulary of another kind', async () => {
    const [, ...fields] = llamaBpeFields;
    await expect(fromFields([text('tokenizer.ggml.model', 'bert'), ...fields])).rejects.toRefuse(UnsupportedError, "kind 'bert'");
    const otherCut = fields.map((field) => (field[0] === 'tokenizer.ggml.pre' ? text(field[0], 'martian') : field));
    await expect(fromFields([text('tokenizer.ggml.model', 'gpt2'), ...otherCut])).rejects.toThrow("cut as 'martian'");
  });

  test('a vocabulary without its merges, or of the wrong types', async () => {
    const without = (key: string, fields: readonly Field[]) => fields.filter(([name]) => name !== key);
    await expect(fromFields(without('tokenizer.ggml.merges', llamaBpeFields))).rejects.toThrow(GgufError);
    await expect(fromFields(without('tokenizer.ggml.scores', sentencePieceFields))).rejects.toThrow(/neither merges nor a score/);
    const long = strings('tokenizer.ggml.tokens', [...sentencePiece.tokens.slice(0, -1), 'a'.repeat(200_000)]);
    const slow = fromFields([...without('tokenizer.ggml.tokens', sentencePieceFields), long]);
    await expect(slow).rejects.toRefuse(GgufError, 'the tokens are too long to derive their merges from scores');
    const numbers = [...without('tokenizer.ggml.tokens', llamaBpeFields), integers('tokenizer.ggml.tokens', [1])];
    await expect(fromFields(numbers)).rejects.toThrow("'tokenizer.ggml.tokens' is not a list of strings");
    const wrong = [...without('tokenizer.ggml.model', llamaBpeFields), id('tokenizer.ggml.model', 3)];
    await expect(fromFields(wrong)).rejects.toThrow("'tokenizer.ggml.model' is not a string");
  });

  test('a tokenizer.json that is none', async () => {
    fs.mkdirSync(path('odd'));
    const odd = async (content: string) => {
      fs.writeFileSync(path('odd/tokenizer.json'), content);
      return Tokenizer.fromPretrained(path('odd'));
    };
    await expect(odd('{"a":')).rejects.toThrow(FormatError);
    await expect(odd('[]')).rejects.toThrow(/not an object/);
    await expect(odd('{}')).rejects.toThrow(/odd: this tokenizer cannot be built \(a part of it is missing, or of another kind\)$/);
    await expect(odd('{"model":{"type":"BPE","vocab":{},"merges":7}}')).rejects.toThrow(FormatError);
    await expect(odd('{"model":{"type":"Nope"}}')).rejects.toThrow(/Nope/);
  });

  test('what is no text, no ids and no messages', async () => {
    const tokenizer = await fromFields([...llamaBpeFields, text('tokenizer.chat_template', 'x')]);
    for (const value of [undefined, 5, ['a']] as never[]) expect(() => tokenizer.encode(value)).toThrow(/^encode takes a text, not/);
    for (const value of [undefined, 5, 'a'] as never[])
      expect(() => tokenizer.decode(value)).toThrow(/^decode takes a list of token ids, not/);
    for (const value of ['hi', [null], ['hi']] as never[]) expect(() => tokenizer.applyChatTemplate(value)).toThrow(/^the messages are/);
  });

  test('a chat without a template, and one that the template refuses', async () => {
    const plain = await fromFields(llamaBpeFields);
    expect(() => plain.applyChatTemplate([])).toThrow(/no chat template/);
    const strict = await fromFields([...llamaBpeFields, text('tokenizer.chat_template', "{{ raise_exception('no system') }}")]);
    expect(() => strict.applyChatTemplate([{ role: 'user', content: 'x' }])).toRefuse(ArgumentError, /refuses these messages: no system/);
  });

  test('a chat template that cannot be read leaves the tokenizer to texts', async () => {
    const tokenizer = await fromFields([...llamaBpeFields, text('tokenizer.chat_template', '{% with a = 1 %}{{ a }}{% endwith %}')]);
    expect(tokenizer.decode(tokenizer.encode('ab'))).toContain('ab');
    const chat = () => tokenizer.applyChatTemplate([{ role: 'user', content: 'x' }]);
    expect(chat).toRefuse(ArgumentError, /it cannot be read here \(.*with\); write the prompt as plain text/);
  });
});
