import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  AdaptionPromptConfig,
  ArgumentError,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  type PeftConfig,
  PeftModel,
  readSafetensors,
  StateError,
  StorageError,
} from 'lowrank';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fill, goldenPath, IDS, largestDifference, tinyModel } from '../tinyModel';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(nodePath.join(os.tmpdir(), 'adapter-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(folder, { recursive: true });
});

const GOLDENS = fs.readdirSync(goldenPath('')).filter((name) => fs.existsSync(goldenPath(`${name}/adapter_config.json`)));
const json = (path: string) => JSON.parse(fs.readFileSync(nodePath.join(path, 'adapter_config.json'), 'utf8'));

async function load(path: string, name = ''): Promise<PeftModel> {
  const model = tinyModel({ attentionBias: name.startsWith('bias'), tieWordEmbeddings: name.toLowerCase().includes('tied') });
  return PeftModel.fromPretrained(model, path);
}

describe.each(GOLDENS)("PEFT's adapter '%s', loaded and saved", (name) => {
  test('has the same tensors, bit by bit, and the same configuration', async () => {
    (await load(goldenPath(name), name)).savePretrained(folder);
    const [ours, theirs] = [folder, goldenPath(name)].map((path) => readSafetensors(nodePath.join(path, 'adapter_model.safetensors')));
    expect([...(ours?.names ?? [])].sort()).toEqual([...(theirs?.names ?? [])].sort());
    expect(ours?.metadata).toEqual({ format: 'pt' });
    for (const tensor of theirs?.names ?? []) {
      expect(ours?.info(tensor).shape).toEqual(theirs?.info(tensor).shape);
      expect(ours?.toFloat32(tensor)).toEqual(theirs?.toFloat32(tensor));
    }
    const { auto_mapping: _, ...expected } = json(goldenPath(name)); // names a Python module, which we neither read nor write
    expect(json(folder)).toEqual({ ...expected, auto_mapping: null });
  });
});

const KINDS: [string, () => PeftConfig][] = [
  ['LoRA on everything linear', () => new LoraConfig({ r: 2, targetModules: 'all-linear', rankPattern: { down_proj: 3 } })],
  ['DoRA', () => new LoraConfig({ r: 2, useDora: true })],
  ['LoRA from PiSSA', () => new LoraConfig({ r: 2, initLoraWeights: 'pissa' })],
  ['LoRA from OLoRA', () => new LoraConfig({ r: 2, initLoraWeights: 'olora' })],
  ['LoRA from a Gaussian', () => new LoraConfig({ r: 2, initLoraWeights: 'gaussian' })],
  ['LoRA that shows at once', () => new LoraConfig({ r: 2, initLoraWeights: false })],
  ['LoRA with a whole head', () => new LoraConfig({ r: 2, modulesToSave: ['lmHead'], targetModules: ['qProj'] })],
  ['LoRA on embedding and head', () => new LoraConfig({ r: 2, targetModules: ['embed_tokens', 'lm_head'] })],
  ['a prefix with a scalar gate', () => new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: 2 })],
  ['a prefix with a gate per head', () => new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: 2, gate: 'perHead' })],
  ['a prefix with a tanh gate per head', () => new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: 2, gate: 'perHeadTanh' })],
];

test.each(KINDS)('%s comes back as it was', async (_, config) => {
  const peft = getPeftModel(tinyModel(), config());
  fill(peft.trainableParameters().values());
  peft.savePretrained(folder);
  const loaded = await load(folder);
  const isDecomposed = 'initLoraWeights' in config() && ['pissa', 'olora'].includes(String((config() as LoraConfig).initLoraWeights));
  expect(largestDifference(loaded.forward(IDS), peft.forward(IDS))).toBeLessThan(isDecomposed ? 1e-4 : Number.MIN_VALUE);
});

test('writes what Python reads, and a model card', () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2, baseModelNameOrPath: 'some: "base"' }));
  fill(peft.trainableParameters().values());
  peft.savePretrained(folder);
  const script = `
import json, sys
from safetensors.numpy import load_file
tensors = load_file(sys.argv[1] + "/adapter_model.safetensors")
print(json.dumps({name: [list(tensor.shape), str(tensor.dtype), float(tensor.sum(dtype="float64"))] for name, tensor in tensors.items()}))`;
  const python = fileURLToPath(new URL('../../../.venv/bin/python', import.meta.url));
  const read = JSON.parse(execFileSync(python, ['-c', script, folder], { encoding: 'utf8' }));
  const parameters = peft.trainableParameters();
  expect(Object.keys(read).sort()).toEqual([...parameters.keys()].map((name) => name.replace('.default', '')).sort());
  for (const [name, variable] of parameters) {
    const sum = variable.dataSync<'float32'>().reduce((total, value) => total + value, 0);
    expect(read[name.replace('.default', '')]).toEqual([variable.shape.toReversed(), 'float32', expect.closeTo(sum, 5)]);
  }
  const card = fs.readFileSync(nodePath.join(folder, 'README.md'), 'utf8');
  expect(card).toMatch(/^---\nbase_model: "some: \\"base\\""\nlibrary_name: peft\npipeline_tag: text-generation\ntags:\n- lora\n/);
  const keys = Object.keys(json(folder));
  expect(keys).toEqual([...keys].sort());
  expect(keys).toHaveLength(41);
});

test("leaves a reader's own model card alone", () => {
  fs.writeFileSync(nodePath.join(folder, 'README.md'), 'mine');
  getPeftModel(tinyModel(), new LoraConfig({ r: 2 })).savePretrained(folder);
  expect(fs.readFileSync(nodePath.join(folder, 'README.md'), 'utf8')).toBe('mine');
});

test('puts adapters of other names into folders of their own', () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2 }));
  peft.addAdapter('second', new LoraConfig({ r: 3 }));
  peft.savePretrained(folder);
  expect([json(folder).r, json(nodePath.join(folder, 'second')).r]).toEqual([2, 3]);
  expect(fs.readdirSync(folder).sort()).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors', 'second']);
  const elsewhere = nodePath.join(folder, 'elsewhere');
  peft.savePretrained(elsewhere, { selectedAdapters: ['second'] });
  expect(fs.readdirSync(elsewhere).sort()).toEqual(['README.md', 'second']);
  expect(() => peft.savePretrained(elsewhere, { selectedAdapters: ['third'] })).toThrow(StateError);
});

test('never writes outside the folder', () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2 }));
  for (const name of ['../x', '/dir/x', 'a/b', 'a\0b', '.', '..', '', 'x'.repeat(300), '__base__', 'a b']) {
    expect(() => peft.addAdapter(name, new LoraConfig({ r: 2 }))).toThrow(ArgumentError);
    expect(() => peft.loadAdapter(goldenPath('lora'), { adapterName: name })).toThrow(ArgumentError);
  }
  for (const name of ['__proto__', 'constructor', 'prototype']) peft.addAdapter(name, new LoraConfig({ r: 2 }));
  peft.savePretrained(folder);
  expect(Object.keys(peft.peftConfig)).toEqual(['default', '__proto__', 'constructor', 'prototype']);
  expect(({} as { r?: number }).r).toBeUndefined();
  const outside = fs.mkdtempSync(nodePath.join(os.tmpdir(), 'outside-'));
  peft.addAdapter('link', new LoraConfig({ r: 2 }));
  fs.symlinkSync(outside, nodePath.join(folder, 'link'));
  expect(() => peft.savePretrained(folder)).toThrow(StorageError);
  expect(fs.readdirSync(outside)).toEqual([]);
  fs.rmSync(outside, { recursive: true });
});

test('keeps the old adapter whole when the disk refuses the new one, at any moment', async () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2 }));
  fill(peft.trainableParameters().values());
  peft.savePretrained(folder);
  const before = peft.forward(IDS);
  fill(peft.trainableParameters().values(), 100);
  const rename = fs.renameSync;
  for (let failing = 1; failing <= 4; failing++) {
    let calls = 0;
    vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
      calls += 1;
      if (calls === failing) throw Object.assign(new Error('no space left'), { syscall: 'rename', code: 'ENOSPC' });
      rename(from, to);
    });
    expect(() => peft.savePretrained(folder)).toThrow(StorageError);
    vi.restoreAllMocks();
    const isExchanged = failing === 4; // the tensors are new and complete, the configuration is the same
    expect(largestDifference((await load(folder)).forward(IDS), isExchanged ? peft.forward(IDS) : before)).toBe(0);
    expect(fs.readdirSync(folder).sort()).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors']);
  }
  fs.writeFileSync(nodePath.join(folder, 'file'), '');
  expect(() => peft.savePretrained(nodePath.join(folder, 'file'))).toThrow(StorageError);
});

test('never shows new tensors beside an old configuration', async () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2 }));
  peft.savePretrained(folder);
  const other = getPeftModel(tinyModel(), new LoraConfig({ r: 2, loraAlpha: 64 }));
  const rename = fs.renameSync;
  let calls = 0;
  vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
    calls += 1;
    if (calls === 4) throw Object.assign(new Error('power cut'), { syscall: 'rename' });
    rename(from, to);
  });
  expect(() => other.savePretrained(folder)).toThrow(StorageError);
  await expect(load(folder)).rejects.toThrow('has no adapter_config.json');
});

test("refuses to save the base's own weight while something is merged into it", () => {
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 2, targetModules: ['lm_head'] }));
  peft.mergeAdapter();
  expect(() => peft.savePretrained(folder)).toThrow('call unmergeAdapter() first');
  expect(fs.readdirSync(folder)).toEqual([]);
});

test('an adapter names the folder that its base was read from, unless its configuration names another', async () => {
  const base = fileURLToPath(new URL('../../golden/llama/plain', import.meta.url));
  for (const [config, expected] of [
    [new LoraConfig({ r: 2 }), base],
    [new AdaptionPromptConfig({ adapterLen: 2, adapterLayers: 1 }), base],
    [new LoraConfig({ r: 2, baseModelNameOrPath: 'org/model' }), 'org/model'],
  ] as const) {
    const peft = getPeftModel(await LlamaForCausalLM.fromPretrained(base), config);
    peft.savePretrained(folder);
    expect(JSON.parse(fs.readFileSync(nodePath.join(folder, 'adapter_config.json'), 'utf8')).base_model_name_or_path).toBe(expected);
    peft.dispose();
  }
});
