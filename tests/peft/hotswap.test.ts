import {
  AdaptionPromptConfig,
  ArgumentError,
  compile,
  FormatError,
  getPeftModel,
  LoraConfig,
  type LoraOptions,
  PeftModel,
  readSafetensors,
  StateError,
  tf,
} from 'lowrank';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { fill, goldenPath, IDS, relativeError, tinyModel } from './tinyModel';

const folder = temporaryFolder()('adapter');

/** A model with an adapter that shows. */
function adapted(options: LoraOptions, seed = 1): PeftModel {
  const peft = getPeftModel(tinyModel(), new LoraConfig(options));
  fill(peft.trainableParameters().values(), seed);
  return peft;
}

test.each<[string, LoraOptions, LoraOptions]>([
  ['of the same shape', { r: 4 }, { r: 4 }],
  ['of another scale', { r: 4, loraAlpha: 4 }, { r: 4, loraAlpha: 32 }],
  ['of a negative scale', { r: 4 }, { r: 4, loraAlpha: -3 }],
  ['of a smaller rank', { r: 4 }, { r: 2, loraAlpha: 5 }],
  ['of a rank-stabilised scale', { r: 4 }, { r: 2, useRslora: true }],
  ['of other ranks per layer', { r: 4 }, { r: 3, rankPattern: { v_proj: 1 }, alphaPattern: { q_proj: 2 } }],
  ['on fewer layers', { r: 4, targetModules: 'all-linear' }, { r: 4, layersToTransform: [1] }],
  ['with DoRA', { r: 4, useDora: true }, { r: 2, useDora: true, loraAlpha: 3 }],
  ['on embedding and head', { r: 4, targetModules: ['embed_tokens', 'lm_head'] }, { r: 2, targetModules: ['embed_tokens', 'lm_head'] }],
  ['with a copied head', { r: 4, modulesToSave: ['lm_head'] }, { r: 3, modulesToSave: ['lm_head'] }],
  ['with token rows', { r: 4, trainableTokenIndices: [3, 39] }, { r: 2, trainableTokenIndices: [3, 39] }],
])('an adapter %s acts in the place of the old one, in the same variables', (_, old, next) => {
  const peft = adapted(old);
  const variables = new Map(peft.namedParameters());
  const frozen = [...variables].filter(([name]) => !/lora_|modules_to_save|tokens_delta/.test(name)).map(([, variable]) => variable);
  const base = frozen.map((variable) => variable.dataSync().slice());
  const numTensors = tf.memory().numTensors;
  const other = adapted(next, 50);
  other.savePretrained(folder);
  const expected = other.forward(IDS);
  const made = tf.memory().numTensors - numTensors;
  peft.hotswapAdapter(folder);
  expect(tf.memory().numTensors).toBe(numTensors + made);
  expect(relativeError(peft.forward(IDS), expected)).toBeLessThan(1e-5);
  expect(new Map(peft.namedParameters())).toEqual(variables);
  for (const [name, variable] of peft.namedParameters()) expect(variable).toBe(variables.get(name));
  expect(frozen.map((variable) => variable.dataSync().slice())).toEqual(base);
});

test("takes PEFT's own files, and back", async () => {
  const peft = await PeftModel.fromPretrained(tinyModel(), goldenPath('loraTrainedStart'));
  const start = peft.forward(IDS);
  peft.hotswapAdapter(goldenPath('loraTrainedEnd'));
  const end = (await PeftModel.fromPretrained(tinyModel(), goldenPath('loraTrainedEnd'))).forward(IDS);
  expect(relativeError(start, end)).toBeGreaterThan(0.01);
  expect(peft.forward(IDS).dataSync()).toEqual(end.dataSync());
  peft.hotswapAdapter(goldenPath('loraTrainedStart'));
  expect(peft.forward(IDS).dataSync()).toEqual(start.dataSync());
});

test("takes tensors by the names of PEFT's files", async () => {
  const peft = await PeftModel.fromPretrained(tinyModel(), goldenPath('loraTrainedStart'));
  const file = readSafetensors(goldenPath('loraTrainedEnd/adapter_model.safetensors'));
  const tensors = Object.fromEntries(file.names.map((name) => [name, tf.tensor(file.toFloat32(name), [...file.info(name).shape])]));
  peft.hotswapAdapter(tensors);
  const end = await PeftModel.fromPretrained(tinyModel(), goldenPath('loraTrainedEnd'));
  expect(peft.forward(IDS).dataSync()).toEqual(end.forward(IDS).dataSync());
  expect(() => peft.hotswapAdapter({ ...tensors, more: tf.scalar(1) })).toThrow(FormatError);
});

test('a prefix goes in the place of a prefix of the same size', async () => {
  const peft = await PeftModel.fromPretrained(tinyModel(), goldenPath('promptTrainedStart'));
  peft.hotswapAdapter(goldenPath('promptTrainedEnd'));
  const end = await PeftModel.fromPretrained(tinyModel(), goldenPath('promptTrainedEnd'));
  expect(peft.forward(IDS).dataSync()).toEqual(end.forward(IDS).dataSync());
});

test.each<[string, LoraOptions, LoraOptions, string]>([
  ['of a larger rank', { r: 2 }, { r: 3 }, '[3,16] is larger than [2,16]'],
  ['on more layers', { r: 2 }, { r: 2, targetModules: ['q_proj', 'v_proj', 'up_proj'] }, 'up_proj.lora_A.weight has no place'],
  ['with DoRA where there was none', { r: 2 }, { r: 2, useDora: true }, 'cannot go in the place of'],
  ['with a copied head', { r: 2 }, { r: 2, modulesToSave: ['lm_head'] }, 'cannot go in the place of'],
  ["that fits PiSSA's residual alone", { r: 2 }, { r: 2, initLoraWeights: 'pissa' }, 'cannot go in the place of'],
  [
    'with DoRA on fewer layers',
    { r: 2, useDora: true },
    { r: 2, useDora: true, layersToTransform: [1] },
    'lora_magnitude_vector is missing in it',
  ],
  ['where the old scale is 0', { r: 2, loraAlpha: 0 }, { r: 2 }, 'no other one fits under it'],
])('an adapter %s is refused, and the old one stays', (_, old, next, message) => {
  const peft = adapted(old);
  const before = peft.forward(IDS);
  adapted(next, 50).savePretrained(folder);
  expect(() => peft.hotswapAdapter(folder)).toRefuse(ArgumentError, message);
  expect(peft.forward(IDS).dataSync()).toEqual(before.dataSync());
});

test('biases are exchanged where both train them on the same layers', () => {
  const make = (targetModules: readonly string[], seed: number) => {
    const peft = getPeftModel(tinyModel({ attentionBias: true }), new LoraConfig({ r: 2, bias: 'lora_only', targetModules }));
    fill(peft.trainableParameters().values(), seed);
    return peft;
  };
  const peft = make(['q_proj', 'v_proj'], 1);
  const other = make(['q_proj', 'v_proj'], 50);
  other.savePretrained(folder);
  peft.hotswapAdapter(folder);
  expect(relativeError(peft.forward(IDS), other.forward(IDS))).toBeLessThan(1e-5);
  make(['q_proj'], 9).savePretrained(folder);
  expect(() => peft.hotswapAdapter(folder)).toRefuse(ArgumentError, 'v_proj.base_layer.bias is missing in it');
  expect(relativeError(peft.forward(IDS), other.forward(IDS))).toBeLessThan(1e-5);
});

test('a prefix of another length is refused, and the old one stays', () => {
  const make = (adapterLen: number, seed: number) => {
    const peft = getPeftModel(tinyModel(), new AdaptionPromptConfig({ adapterLen, adapterLayers: 2 }));
    fill(peft.trainableParameters().values(), seed);
    return peft;
  };
  const peft = make(5, 1);
  const before = peft.forward(IDS);
  make(2, 50).savePretrained(folder);
  const message = 'an adapter of a prefix of 2 vectors with a scalar gate cannot go in the place of one of a prefix of 5 vectors';
  expect(() => peft.hotswapAdapter(folder)).toRefuse(ArgumentError, message);
  expect(peft.forward(IDS).dataSync()).toEqual(before.dataSync());
});

test('in a wrong state nothing is swapped', () => {
  const peft = adapted({ r: 4 });
  expect(() => peft.hotswapAdapter(goldenPath('lora'), { adapterName: 'other' })).toThrow(StateError);
  expect(() => peft.hotswapAdapter(goldenPath('prompt'))).toThrow(ArgumentError);
  peft.mergeAdapter();
  expect(() => peft.hotswapAdapter(goldenPath('lora'))).toThrow('call unmergeAdapter() before');
  const prefix = getPeftModel(tinyModel(), new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: 2, gate: 'perHead' }));
  expect(() => prefix.hotswapAdapter(goldenPath('prompt'))).toThrow(
    'a prefix of 3 vectors with a scalar gate cannot go in the place of one of a prefix of 3 vectors with a perHead gate',
  );
});

test('token rows of a tied model are exchanged, at both ends and compiled, and those of other tokens are not', () => {
  const make = (indices: readonly number[], seed: number) => {
    const model = tinyModel({ tieWordEmbeddings: true });
    const peft = getPeftModel(model, new LoraConfig({ r: 2, trainableTokenIndices: indices }));
    fill(peft.trainableParameters().values(), seed);
    return peft;
  };
  const peft = make([3, 39], 1);
  const loss = compile((model: PeftModel) => model.loss(IDS, IDS));
  loss(peft).dispose();
  const other = make([3, 39], 50);
  other.savePretrained(folder);
  peft.hotswapAdapter(folder);
  expect(relativeError(peft.forward(IDS), other.forward(IDS))).toBeLessThan(1e-5);
  expect(relativeError(loss(peft), other.loss(IDS, IDS))).toBeLessThan(1e-5);
  make([3, 38], 9).savePretrained(folder);
  expect(() => peft.hotswapAdapter(folder)).toThrow(ArgumentError);
  expect(relativeError(peft.forward(IDS), other.forward(IDS))).toBeLessThan(1e-5);
});
