import fs from 'node:fs';
import nodePath from 'node:path';
import {
  ArgumentError,
  convertRotaryLayout,
  countParameters,
  getPeftModel,
  MemoryError,
  mergeReport,
  PeftModel,
  tf,
  UnsupportedError,
  VeraConfig,
} from 'lowrank';
import { expect, test } from 'vitest';
import { readSafetensors, writeSafetensors } from '../../../lib/lowrank/src/io';
import { temporaryFolder } from '../../io/temporaryFolder';
import { methodPath } from '../methodGoldens';
import { fill, golden, IDS, LABELS, largestDifference, relativeError, tinyModel } from '../tinyModel';

const adapted = (options: ConstructorParameters<typeof VeraConfig>[0] = {}) =>
  getPeftModel(tinyModel(), new VeraConfig({ r: 4, ...options }));

test('trains two vectors per layer, and counts the shared projections as none', () => {
  const peft = adapted({ r: 5, targetModules: ['q_proj', 'v_proj'] });
  expect([...peft.trainableParameters().keys()].slice(0, 2)).toEqual([
    'base_model.model.model.layers.0.self_attn.q_proj.vera_lambda_b.default',
    'base_model.model.model.layers.0.self_attn.q_proj.vera_lambda_d.default',
  ]);
  expect(countParameters(peft).trainable).toBe(3 * (16 + 5 + 8 + 5));
  const shared = [...peft.adapterTensors('default').keys()].filter((name) => name.startsWith('base_model.'));
  expect(shared).toEqual(['base_model.vera_A', 'base_model.vera_B']);
});

test('draws the projections from the key alone, and leaves them as they are in training', () => {
  const projection = (projectionPrngKey: number, seed: number) => {
    const peft = getPeftModel(tinyModel(), new VeraConfig({ r: 4, projectionPrngKey }), { seed });
    return peft.adapterTensors('default').get('base_model.vera_A')?.variable as tf.Variable;
  };
  expect(largestDifference(projection(3, 0), projection(3, 1))).toBe(0);
  expect(largestDifference(projection(3, 0), projection(4, 0))).toBeGreaterThan(0.1);
  expect(projection(3, 0).trainable).toBe(false);
});

test('starts as its base, or anywhere with initWeights false', () => {
  expect(relativeError(adapted().forward(IDS), golden('base/logits'))).toBeLessThan(1e-6);
  expect(relativeError(adapted({ initWeights: false }).forward(IDS), golden('base/logits'))).toBeGreaterThan(0.1);
  const starts = [...adapted({ dInitial: 0.25 }).trainableParameters()].filter(([name]) => name.includes('lambda_d'));
  for (const [, variable] of starts) expect([...variable.dataSync()]).toEqual([0.25, 0.25, 0.25, 0.25]);
});

test('drops inputs in training mode alone, with other masks at every step', () => {
  const peft = adapted({ veraDropout: 0.5 });
  fill(peft.trainableParameters().values());
  const loss = () => peft.loss(IDS, LABELS).dataSync()[0];
  const still = loss();
  expect(loss()).toBe(still);
  peft.train();
  const [first, second] = [loss(), loss()];
  expect(new Set([still, first, second]).size).toBe(3);
  peft.dropoutStep = 0;
  expect([loss(), loss()]).toEqual([first, second]);
  peft.eval();
  expect(loss()).toBe(still);
});

test('a file without the projections that it promises is refused by their names, and the model stays as it was', async () => {
  const folder = temporaryFolder();
  fs.mkdirSync(folder('cut'));
  fs.copyFileSync(methodPath('vera/adapter_config.json'), nodePath.join(folder('cut'), 'adapter_config.json'));
  const file = readSafetensors(methodPath('vera/adapter_model.safetensors'));
  const kept = file.names.filter((name) => !name.startsWith('base_model.vera_'));
  const tensors = kept.map((name) => {
    const values = file.toFloat32(name);
    return [name, { dtype: 'F32', shape: file.info(name).shape, bytes: () => new Uint8Array(values.buffer) }] as const;
  });
  writeSafetensors(nodePath.join(folder('cut'), 'adapter_model.safetensors'), tensors, { metadata: { format: 'pt' } });
  const model = tinyModel();
  const { numTensors } = tf.memory();
  await expect(PeftModel.fromPretrained(model, folder('cut'))).rejects.toThrow(/2 missing \(base_model\.vera_A, base_model\.vera_B\)/);
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(largestDifference(model.forward(IDS), tinyModel().forward(IDS))).toBe(0);
});

test.each([true, false])('projections that memory would not hold are refused before they are drawn, saved %s', (saveProjection) => {
  const model = tinyModel();
  const { numTensors } = tf.memory();
  expect(() => getPeftModel(model, new VeraConfig({ r: 1e9, saveProjection }))).toThrow(MemoryError);
  expect(tf.memory().numTensors).toBe(numTensors);
});

test('another order of outputs is refused: the projection is shared', () => {
  const peft = adapted();
  expect(() => convertRotaryLayout(peft, { from: 'meta', to: 'hf' })).toThrow(UnsupportedError);
});

test.each([
  [{ r: 0 }, /rank 0/],
  [{ veraDropout: 1 }, /veraDropout 1 is not in 0 ≤ p < 1/],
  [{ bias: 'lora_only' }, /bias "lora_only" is none of "none", "all", "vera_only"/],
  [{ projectionPrngKey: -1 }, /projectionPrngKey -1/],
  [{ targetModules: '.*q_proj', layersToTransform: [0] }, /layersToTransform goes with a list/],
  [{ alpha: 3 }, /has no option 'alpha'/],
])('the options %j are refused by name', (options, message) => {
  expect(() => new VeraConfig(options as never)).toRefuse(ArgumentError, message);
});

test('a merge report compares with what the unmerged layers compute', () => {
  const peft = adapted({ targetModules: ['q_proj', 'down_proj'] });
  fill(peft.trainableParameters().values());
  for (const { dtype, weightError, outputError } of mergeReport(peft, { dtypes: ['float32', 'bfloat16'] })) {
    if (dtype === 'float32') expect(weightError).toBe(0);
    expect(outputError).toBeLessThan(dtype === 'float32' ? 1e-5 : 0.02);
  }
});
