import { readdirSync, readFileSync } from 'node:fs';
import { FormatError, getPeftModel, LoraConfig, PeftModel, readSafetensors, tf } from 'lowrank';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { goldenFolder } from '../../goldenFolder';
import { temporaryFolder } from '../../io/temporaryFolder';
import { fill, relativeError, tinyModel } from '../tinyModel';

const folder = temporaryFolder();
const { path: golden, tensor: result } = goldenFolder('resized');
const CASES = readdirSync(golden('.')).filter((name) => !name.includes('.'));
const IDS = [
  [1, 5, 9, 40, 17, 30, 42],
  [1, 22, 41, 39, 11, 6, 7],
];
const warn = vi.spyOn(console, 'warn');

beforeEach(() => {
  warn.mockReset().mockImplementation(() => undefined);
});

function resized(name: string) {
  const model = tinyModel({ tieWordEmbeddings: name.startsWith('tied') });
  model.resizeTokenEmbeddings(43);
  return model;
}

const file = (place: string) => readSafetensors(`${place}/adapter_model.safetensors`);

describe.each(CASES)("PEFT's adapter '%s' of a model that was resized", (name) => {
  const expected = () => result(`${name}/logits`);

  test('has the logits that PEFT has, merged too', async () => {
    const peft = await PeftModel.fromPretrained(resized(name), golden(name));
    expect(relativeError(peft.forward(IDS), expected())).toBeLessThan(1e-5);
    if (name !== 'tiedPrompt') expect(relativeError(peft.mergeAndUnload().forward(IDS), expected())).toBeLessThan(1e-5);
  });

  test('is written as PEFT writes it', async () => {
    const peft = await PeftModel.fromPretrained(resized(name), golden(name));
    peft.savePretrained(folder(name), { saveEmbeddingLayers: name.endsWith('Asked') ? true : !name.endsWith('Refused') && 'auto' });
    const [ours, theirs] = [file(folder(name)), file(golden(name))];
    expect([...ours.names].sort()).toEqual([...theirs.names].sort());
    for (const tensor of theirs.names) expect(ours.toFloat32(tensor)).toEqual(theirs.toFloat32(tensor));
    const config = (place: string) => JSON.parse(readFileSync(`${place}/adapter_config.json`, 'utf8'));
    const { target_modules: targets } = config(golden(name));
    expect([config(folder(name)).target_modules].flat()).toEqual(expect.arrayContaining([targets].flat()));
  });

  test('is refused by a model of another vocabulary, which stays as it was', async () => {
    const model = tinyModel({ tieWordEmbeddings: name.startsWith('tied') });
    const before = model.forward([[1, 2]]).dataSync();
    const load = () => PeftModel.fromPretrained(model, golden(name));
    await expect(load).rejects.toRefuse(
      FormatError,
      /is for a model with 43 tokens, and this one has 40: call model\.resizeTokenEmbeddings\(43\)/,
    );
    expect(model.forward([[1, 2]]).dataSync()).toEqual(before);
  });
});

const names = (options: object, model = tinyModel({ tieWordEmbeddings: true }), save?: 'auto' | boolean) => {
  const peft = getPeftModel(model, new LoraConfig({ r: 2, targetModules: ['q_proj'], ...options }));
  peft.savePretrained(folder('names'), save === undefined ? {} : { saveEmbeddingLayers: save });
  peft.dispose();
  return file(folder('names'))
    .names.filter((tensor) => !tensor.includes('q_proj'))
    .map((tensor) => tensor.replace('base_model.model.', ''))
    .sort();
};

describe('the embedding and the output layer of a model as it was loaded', () => {
  test('are saved where they are targets, or asked for', () => {
    expect(names({})).toEqual([]);
    expect(names({}, tinyModel(), true)).toEqual(['lm_head.weight', 'model.embed_tokens.weight']);
    const factors = ['lora_embedding_A', 'lora_embedding_B'].map((leaf) => `model.embed_tokens.${leaf}`);
    expect(names({ targetModules: ['embed_tokens'] })).toEqual(['model.embed_tokens.base_layer.weight', ...factors]);
    expect(names({ targetModules: ['embed_tokens'] }, tinyModel(), false)).toEqual(factors);
  });

  test('keep the rows of an untied output layer that was resized and is no target, which PEFT loses', () => {
    expect(names({ targetModules: ['embed_tokens'] }, resized('untied'))).toContain('lm_head.weight');
  });
});

test('an option that is no such choice is refused', () => {
  expect(() => names({}, tinyModel(), 'yes' as never)).toThrow(/saveEmbeddingLayers/);
});

test('an adapter keeps the table that its file brought when it is saved on a model that was not resized', async () => {
  const model = resized('tied');
  model.savePretrained(folder('base43'));
  const peft = await PeftModel.fromPretrained(model, golden('tied'));
  peft.savePretrained(folder('again'));
  expect([...file(folder('again')).names].sort()).toEqual([...file(golden('tied')).names].sort());
});

test('two tables are refused where the model has one', async () => {
  await expect(PeftModel.fromPretrained(resized('tied'), golden('untied'))).rejects.toThrow(
    /differ, and this model has one table for both/,
  );
});

test('a second adapter that brings another table says whom it concerns', async () => {
  const peft = await PeftModel.fromPretrained(resized('tied'), golden('tied'));
  peft.loadAdapter(golden('tiedTable'), { adapterName: 'same' });
  expect(warn).not.toHaveBeenCalled();
  const other = resized('tied');
  fill(new Map(other.model.embedTokens.namedParameters()).values());
  const writer = getPeftModel(other, new LoraConfig({ r: 2 }));
  writer.savePretrained(folder('other'));
  peft.loadAdapter(folder('other'), { adapterName: 'other' });
  expect(warn.mock.calls.flat().join()).toMatch(/the file of 'other' holds another embedding.*under default, same too/);
});

test('tensors in memory are compared with the vocabulary too', () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2 }));
  const tensors = { 'base_model.model.model.embed_tokens.weight': tf.zeros([42, 16]) };
  expect(() => peft.hotswapAdapter(tensors)).toThrow(/is for a model with 42 tokens, and this one has 40/);
});
