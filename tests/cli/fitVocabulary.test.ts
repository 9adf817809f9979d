/** Adapters that PEFT saved after resize_token_embeddings, as the command takes them. */
import fs from 'node:fs';
import { LlamaForCausalLM, Tokenizer, tf } from 'lowrank';
import { beforeAll, expect, test } from 'vitest';
import { goldenFolder } from '../goldenFolder';
import { temporaryFolder } from '../io/temporaryFolder';
import { relativeError, tinyModel } from '../peft/tinyModel';
import { lowrank } from './run';

const folder = temporaryFolder();
const IDS = [
  [1, 5, 9, 40, 17, 30, 42],
  [1, 22, 41, 39, 11, 6, 7],
];

const saveTokenizer = (place: string, size: number) => {
  const vocab = Object.fromEntries(Array.from({ length: size }, (_, i) => [String.fromCodePoint(0x61 + i), i]));
  fs.writeFileSync(`${place}/tokenizer.json`, JSON.stringify({ model: { type: 'BPE', vocab, merges: [] } }));
};

beforeAll(() => {
  const model = tinyModel();
  model.savePretrained(folder('model'));
  model.dispose();
  saveTokenizer(folder('model'), 40);
  for (const name of ['with', 'without']) fs.cpSync('tests/golden/resized/untied', folder(name), { recursive: true });
  saveTokenizer(folder('with'), 43);
});

test('merge resizes the model, and writes the tokenizer of the adapter', async () => {
  const { code, stderr } = await lowrank([
    'merge',
    '--model',
    folder('model'),
    '--adapter',
    folder('with'),
    '--output',
    folder('merged'),
    '--quiet',
  ]);
  expect([code, stderr]).toEqual([0, '']);
  expect((await Tokenizer.fromPretrained(folder('merged'))).vocabSize).toBe(43);
  const merged = await LlamaForCausalLM.fromPretrained(folder('merged'));
  const expected = goldenFolder('resized').tensor('untied/logits');
  const logits = merged.forward(IDS);
  expect(relativeError(logits, expected)).toBeLessThan(1e-5);
  tf.dispose([logits, expected]);
  merged.dispose();
});

test('generate writes with the vocabulary of the adapter', async () => {
  const { code, stdout, stderr } = await lowrank([
    'generate',
    'ab\u{89}',
    '--model',
    folder('model'),
    '--adapter',
    folder('with'),
    '--max-new-tokens',
    '3',
    '--quiet',
  ]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout.length).toBeGreaterThan(1);
});

test('without the tokenizer of the new tokens the command says what is missing', async () => {
  const { code, stderr } = await lowrank([
    'merge',
    '--model',
    folder('model'),
    '--adapter',
    folder('without'),
    '--output',
    folder('never'),
    '--quiet',
  ]);
  expect([code, fs.existsSync(folder('never'))]).toEqual([2, false]);
  expect(stderr).toMatch(
    /without is for a model with 43 tokens, and the model has 40; the tokenizer of the 43 tokens is missing: put its tokenizer\.json/,
  );
});
