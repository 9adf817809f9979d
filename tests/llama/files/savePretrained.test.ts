import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  ArgumentError,
  type CausalSelfAttention,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  type LoraOptions,
  Module,
  type Projection,
  StateError,
  StorageError,
  type tf,
} from 'lowrank';
import { describe, expect, test } from 'vitest';
import { python } from '../../io/python';
import { temporaryFolder } from '../../io/temporaryFolder';
import { expectClose, leaked, rows, tinyModel, VARIANTS, type Variant } from '../golden';

const path = temporaryFolder();

async function saved(variant: Variant, options: { maxShardSize?: number } = {}, name: string = variant): Promise<string> {
  const model = await tinyModel(variant);
  expect(await leaked(() => model.savePretrained(path(name), options))).toBe(0);
  model.dispose();
  return path(name);
}

test.each(VARIANTS)('%s is read back with its configuration and every bit of its weights', async (variant) => {
  const folder = await saved(variant);
  const model = await tinyModel(variant);
  const again = await LlamaForCausalLM.fromPretrained(folder);
  expect(again.config).toEqual(model.config);
  expectClose(() => [again.forward(rows.ids), model.forward(rows.ids)], 0);
  const parameters = new Map(again.namedParameters());
  for (const [name, variable] of model.namedParameters()) expectClose(() => [parameters.get(name) ?? variable.neg(), variable], 0, name);
  model.dispose();
  again.dispose();
});

test("Python's safetensors reads the names and shapes that Hugging Face has, and its own bytes", async () => {
  const folder = await saved('plain', {}, 'python');
  const original = fileURLToPath(new URL('../../golden/llama/plain/model.safetensors', import.meta.url));
  const report = python(
    `
import json, sys, numpy as np
from safetensors.numpy import load_file
ours, theirs = load_file(sys.argv[1]), load_file(sys.argv[2])
print(json.dumps({"same": ours.keys() == theirs.keys() and all(np.array_equal(ours[k], theirs[k]) for k in ours), "count": len(ours)}))`,
    `${folder}/model.safetensors`,
    original,
  );
  expect(JSON.parse(report)).toEqual({ same: true, count: 21 });
});

test('a configuration has the fields that transformers writes, rope scaling in the form that every version reads', async () => {
  const config = JSON.parse(fs.readFileSync(`${await saved('llama3', {}, 'config')}/config.json`, 'utf8'));
  const written = JSON.parse(fs.readFileSync(new URL('../../golden/llama/llama3/config.json', import.meta.url), 'utf8'));
  const renamed = new Set(['rope_parameters', 'dtype', 'attention_dropout', 'pretraining_tp', 'transformers_version', 'use_cache']);
  for (const [field, value] of Object.entries(written)) if (!renamed.has(field)) expect([field, config[field]]).toEqual([field, value]);
  const { rope_theta: theta, ...scaling } = written.rope_parameters;
  expect(config).toMatchObject({ rope_theta: theta, rope_scaling: scaling, torch_dtype: 'float32' });
});

describe('several files', () => {
  test('are as small as was asked for, have an index, and are the same model', async () => {
    const folder = await saved('plain', { maxShardSize: 6000 }, 'shards');
    const names = fs.readdirSync(folder).sort();
    expect(names).toEqual([
      'config.json',
      'generation_config.json',
      ...[1, 2, 3, 4].map((n) => `model-0000${n}-of-00004.safetensors`),
      'model.safetensors.index.json',
    ]);
    for (const name of names.filter((n) => n.endsWith('.safetensors'))) {
      expect(fs.statSync(`${folder}/${name}`).size).toBeLessThan(6000 + 3000); // the header is not counted
    }
    const index = JSON.parse(fs.readFileSync(`${folder}/model.safetensors.index.json`, 'utf8'));
    expect(index.metadata).toEqual({ total_size: 4 * 5200 });
    expect(Object.keys(index.weight_map)).toHaveLength(21);
    const [model, again] = [await tinyModel('plain'), await LlamaForCausalLM.fromPretrained(folder)];
    expectClose(() => [again.forward(rows.ids), model.forward(rows.ids)], 0);
    model.dispose();
    again.dispose();
  });

  test('replace one, and one replaces several, without a rest', async () => {
    const folder = await saved('plain', { maxShardSize: 6000 }, 'change');
    await saved('tied', {}, 'change');
    expect(fs.readdirSync(folder).sort()).toEqual(['config.json', 'generation_config.json', 'model.safetensors']);
    await saved('plain', { maxShardSize: 6000 }, 'change');
    expect(fs.existsSync(`${folder}/model.safetensors`)).toBe(false);
    (await LlamaForCausalLM.fromPretrained(folder)).dispose();
  });
});

test('a save that fails half-way leaves the old model as it was, and nothing else', async () => {
  const folder = await saved('plain', {}, 'kept');
  const before = fs.readdirSync(folder).map((name) => [name, fs.readFileSync(`${folder}/${name}`)]);
  const model = await tinyModel('plain');
  model.model.norm.weight.dispose(); // the last but one of its tensors cannot be read
  expect(() => model.savePretrained(folder, { maxShardSize: 6000 })).toThrow();
  expect(fs.readdirSync(folder).map((name) => [name, fs.readFileSync(`${folder}/${name}`)])).toEqual(before);
  model.dispose();
});

/** A projection that holds another, as a layer of a user's own may. */
class Wrapped extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;

  constructor(readonly inner: Projection) {
    super();
    ({ inFeatures: this.inFeatures, outFeatures: this.outFeatures } = inner);
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.inner.forward(x);
  }
}

test('what cannot be saved is refused by name', async () => {
  const model = await tinyModel('plain');
  expect(() => model.savePretrained(path('none'), { maxShardSize: 0 })).toThrow(ArgumentError);
  fs.writeFileSync(path('file'), '');
  expect(() => model.savePretrained(path('file/inside'))).toThrow(StorageError);
  const attention = model.model.layers[0]?.selfAttn as CausalSelfAttention;
  model.replaceModule('model.layers.0.self_attn.q_proj', new Wrapped(attention.qProj));
  expect(() => model.savePretrained(path('none'))).toRefuse(StateError, "'model.layers.0.self_attn.q_proj.weight' is not in its place");
  expect(fs.existsSync(path('none'))).toBe(false);
});

test.each<LoraOptions>([
  { targetModules: ['embed_tokens'] },
  { targetModules: ['lm_head'], modulesToSave: ['embed_tokens'] },
  { targetModules: ['lm_head'], trainableTokenIndices: [3] },
])('the base under the adapter %j is not saved as if it had none', async (options) => {
  const model = await tinyModel('plain');
  getPeftModel(model, new LoraConfig({ r: 2, ...options }));
  expect(() => model.savePretrained(path('adapted'))).toRefuse(StateError, "'model.embed_tokens.weight' is not in its place");
  expect(fs.existsSync(path('adapted'))).toBe(false);
});

test('weights kept in 16 bits are written so, and read back the same', async () => {
  const model = await LlamaForCausalLM.fromPretrained(fileURLToPath(new URL('../../golden/llama/llama3', import.meta.url)), {
    dtype: 'bfloat16',
  });
  model.savePretrained(path('halves'));
  expect(JSON.parse(fs.readFileSync(path('halves/config.json'), 'utf8')).torch_dtype).toBe('bfloat16');
  const [again, plain] = [await LlamaForCausalLM.fromPretrained(path('halves')), await tinyModel('llama3')];
  expectClose(() => [again.forward(rows.ids), plain.forward(rows.ids)], 0);
  for (const each of [model, again, plain]) each.dispose();
});

test('a model that was disposed of is not saved, and says why', async () => {
  const model = await tinyModel('plain');
  model.dispose();
  expect(() => model.savePretrained(path('disposed'))).toRefuse(StateError, /was disposed of: load it again/);
  expect(fs.existsSync(path('disposed'))).toBe(false);
});
