import { fileURLToPath } from 'node:url';
import {
  AdaptionPromptConfig,
  exportGgufLora,
  getPeftModel,
  LoraConfig,
  LoraLayer,
  type LoraOptions,
  PeftModel,
  readGguf,
  StateError,
  tf,
  UnsupportedError,
} from 'lowrank';
import { describe, expect, test } from 'vitest';
import type { GgufFile } from '../../../lib/lowrank/src/io';
import { temporaryFolder } from '../../io/temporaryFolder';
import { tinyModel } from '../../llama/golden';
import { fill } from '../tinyModel';

const FOLDER = fileURLToPath(new URL('../../golden/rotary', import.meta.url));
const inFolder = temporaryFolder();

async function adapted(options: LoraOptions, variant: 'plain' | 'tied' | 'biased' = 'plain'): Promise<PeftModel> {
  const model = getPeftModel(await tinyModel(variant), new LoraConfig({ r: 2, loraAlpha: 6, ...options }));
  fill(model.trainableParameters().values());
  return model;
}

async function exported(model: PeftModel, name = 'adapter.gguf'): Promise<GgufFile> {
  exportGgufLora(model, inFolder(name));
  return readGguf(inFolder(name));
}

test("the file holds what llama.cpp's own script makes of the same adapter", async () => {
  const model = await PeftModel.fromPretrained(await tinyModel('plain'), FOLDER);
  const file = await exported(model);
  const expected = await readGguf(`${FOLDER}/llamaCpp.gguf`);
  expect([...file.tensors.keys()].toSorted()).toEqual([...expected.tensors.keys()].toSorted());
  for (const name of expected.tensors.keys()) {
    expect(file.info(name).shape, name).toEqual(expected.info(name).shape);
    expect(file.toFloat32(name), name).toEqual(expected.toFloat32(name));
  }
  for (const key of ['general.architecture', 'general.type', 'adapter.type', 'adapter.lora.alpha']) {
    expect(file.metadata.get(key), key).toBe(expected.metadata.get(key));
  }
});

describe('the scale that llama.cpp will use, α over the rows of A,', () => {
  test.each<[string, LoraOptions]>([
    ['plain', {}],
    ['rank-stabilised', { useRslora: true }],
    ['by patterns', { rankPattern: { o_proj: 4 }, alphaPattern: { gate_proj: 1 } }],
    ['zero', { loraAlpha: 0 }],
  ])('gives the update of each layer (%s)', async (_, options) => {
    const model = await adapted({ targetModules: ['o_proj', 'gate_proj'], ...options });
    const file = await exported(model);
    const alpha = file.metadata.get('adapter.lora.alpha') as number;
    expect(alpha).toBeGreaterThan(0);
    let layers = 0;
    for (const [path, layer] of model.model.namedModules()) {
      if (!(layer instanceof LoraLayer)) continue;
      const name = path.replace(/.*layers\.(\d+)\..*/, 'blk.$1.') + (path.endsWith('o_proj') ? 'attn_output' : 'ffn_gate');
      const read = (leaf: string) =>
        tf.tensor2d(file.toFloat32(`${name}.weight.${leaf}`), [...file.info(`${name}.weight.${leaf}`).shape] as [number, number]);
      const [a, b] = [read('lora_a'), read('lora_b')];
      const update = tf.matMul(b, a).mul(alpha / (a.shape[0] ?? 0));
      const expected = layer.updates.get('default')?.product().transpose() as tf.Tensor;
      expect(update.sub(expected).abs().max().dataSync()[0], name).toBeLessThan(1e-5);
      layers++;
    }
    expect(layers).toBe(4);
  });
});

test('an embedding and a head of their own go by the names and shapes that llama.cpp asks for', async () => {
  const file = await exported(await adapted({ targetModules: ['embed_tokens', 'lm_head'] }));
  const shapes = Object.fromEntries(Array.from(file.tensors, ([name, { shape }]) => [name, shape]));
  expect(shapes).toEqual({
    'token_embd.weight.lora_a': [40, 2],
    'token_embd.weight.lora_b': [16, 2],
    'output.weight.lora_a': [2, 16],
    'output.weight.lora_b': [40, 2],
  });
});

test('what llama.cpp cannot hold is refused', async () => {
  const refused = async (options: LoraOptions, variant?: 'tied' | 'biased') => {
    const model = await adapted(options, variant);
    expect(() => exportGgufLora(model, inFolder('refused.gguf'))).toThrow(UnsupportedError);
  };
  await refused({ useDora: true });
  await refused({ bias: 'all' }, 'biased');
  await refused({ modulesToSave: ['lm_head'] });
  await refused({ targetModules: ['embed_tokens'] }, 'tied');
  await refused({ targetModules: ['lm_head'] }, 'tied');
  await refused({ initLoraWeights: 'pissa' });
  await refused({ initLoraWeights: 'olora' });
  const prefix = getPeftModel(await tinyModel('plain'), new AdaptionPromptConfig({ adapterLen: 2, adapterLayers: 1 }));
  expect(() => exportGgufLora(prefix, inFolder('refused.gguf'))).toThrow(UnsupportedError);
  const model = await adapted({});
  expect(() => exportGgufLora(model, inFolder('refused.gguf'), { adapterName: 'other' })).toThrow(StateError);
});

test('nothing is left in memory', async () => {
  const model = await adapted({ targetModules: 'all-linear' });
  const before = tf.memory().numTensors;
  exportGgufLora(model, inFolder('memory.gguf'));
  expect(tf.memory().numTensors).toBe(before);
});
