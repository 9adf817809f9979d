import { LoraConfig, PeftModel, readSafetensors, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { storedTensor } from '../goldenFolder';
import { temporaryFolder } from '../io/temporaryFolder';
import { tenSteps } from './tenSteps';
import { asTorch, golden, goldenNames, goldenPath, IDS, LABELS, largestDifference, relativeError, tinyModel } from './tinyModel';

const folder = temporaryFolder();
const PLAIN = ['lora', 'allLinear', 'regex', 'layers', 'rslora', 'wide', 'half', 'pissa', 'olora'];
const MORE = ['dora', 'doraHead', 'head', 'saved', 'norms', 'biasAll', 'biasLora'];
const TIED = ['tied', 'savedTied'];

async function load(name: string, isTrainable = true): Promise<PeftModel> {
  const model = tinyModel({ attentionBias: name.startsWith('bias'), tieWordEmbeddings: TIED.includes(name) });
  return PeftModel.fromPretrained(model, goldenPath(name), { isTrainable });
}

describe.each([...PLAIN, ...MORE, ...TIED, 'prompt'])("PEFT's adapter '%s'", (name) => {
  test("gives PEFT's logits and loss", async () => {
    const peft = await load(name);
    expect(relativeError(peft.forward(IDS), golden(`${name}/logits`))).toBeLessThan(1e-5);
    expect(relativeError(peft.loss(IDS, LABELS), golden(`${name}/loss`))).toBeLessThan(1e-5);
    expect(relativeError(peft.forward(IDS), golden('base/logits'))).toBeGreaterThan(0.05);
  });

  test("trains PEFT's parameters with PEFT's gradients", async () => {
    const peft = await load(name);
    const parameters = peft.trainableParameters();
    const prefix = `${name}/grad/`;
    const expected = goldenNames(prefix);
    expect([...parameters.keys()].sort()).toEqual(expected.sort());
    const { grads } = tf.variableGrads(() => peft.loss(IDS, LABELS), [...parameters.values()]);
    for (const [key, variable] of parameters) {
      const grad = grads[variable.name] as tf.Tensor;
      // Rounding alone: a key's gradient is a small difference of large sums, and oneDNN adds in another order than Eigen.
      expect(relativeError(asTorch(key, grad), golden(`${prefix}${key}`)), key).toBeLessThan(1e-4);
    }
  });
});

test("an adapter that holds whole blocks gives PEFT's logits and loss, and is saved as PEFT saved it", async () => {
  const peft = await load('savedBlock');
  expect(relativeError(peft.forward(IDS), golden('savedBlock/logits'))).toBeLessThan(1e-5);
  expect(relativeError(peft.loss(IDS, LABELS), golden('savedBlock/loss'))).toBeLessThan(1e-5);
  peft.savePretrained(folder('savedBlock'));
  const [saved, given] = [folder('savedBlock'), goldenPath('savedBlock')].map((path) =>
    readSafetensors(`${path}/adapter_model.safetensors`),
  );
  expect(saved?.names.toSorted()).toEqual(given?.names.toSorted());
  for (const name of given?.names ?? []) expect([name, saved?.toFloat32(name)]).toEqual([name, given?.toFloat32(name)]);
});

test.each([...PLAIN, ...MORE, 'savedBlock'])("PEFT's adapter '%s' merges as in PEFT", async (name) => {
  const merged = (await load(name, false)).mergeAndUnload();
  expect(relativeError(merged.forward(IDS), golden(`${name}/merged`))).toBeLessThan(1e-4);
});

test.each([
  ['loraTrained', 1e-2],
  ['promptTrained', 1e-2],
])('ten AdamW steps of %s follow PEFT and end in its weights', async (name, learningRate) => {
  const peft = await load(`${name}Start`);
  const { losses, parameters, before } = tenSteps(peft, learningRate);
  expect(largestDifference(tf.tensor1d(losses), golden(`${name}/losses`))).toBeLessThan(1e-4);
  const end = readSafetensors(goldenPath(`${name}End/adapter_model.safetensors`));
  for (const [key, variable] of parameters) {
    const expected = storedTensor(end, key.replace('.default', ''));
    expect([key, largestDifference(asTorch(key, variable), expected)]).toEqual([key, expect.closeTo(0, 4)]);
  }
  for (const [key, variable] of peft.namedParameters()) {
    if (parameters.has(key)) expect(variable.dataSync()).not.toEqual(before.get(key));
    else expect(variable.dataSync()).toEqual(before.get(key));
  }
});

describe('several adapters of PEFT on one base', () => {
  const three = async () => {
    const peft = await PeftModel.fromPretrained(tinyModel(), goldenPath('several/one'), { adapterName: 'one' });
    peft.loadAdapter(goldenPath('several/two'), { adapterName: 'two' });
    peft.loadAdapter(goldenPath('several/three'), { adapterName: 'three' });
    return peft;
  };

  test('act by row, and together, as in PEFT', async () => {
    const peft = await three();
    const mixed = peft.forward(IDS, { adapterNames: ['one', '__base__', 'two'] });
    expect(relativeError(mixed, golden('several/mixed'))).toBeLessThan(1e-5);
    peft.setAdapter(['one', 'two']);
    expect(relativeError(peft.forward(IDS), golden('several/both'))).toBeLessThan(1e-5);
  });

  test.each([
    ['cat', {}],
    ['svd', {}],
    ['linear', {}],
    ['ties', { density: 0.6 }],
    ['magnitude_prune', { density: 0.6 }],
    ['ties_svd', { density: 0.6 }],
    ['magnitude_prune_svd', { density: 0.6 }],
    ['ties_frequency', { density: 0.6, majoritySignMethod: 'frequency' }],
  ] as const)('combine by %s as in PEFT', async (way, options) => {
    const peft = await three();
    const combinationType = way === 'ties_frequency' ? 'ties' : way;
    const isSameRank = ['linear', 'ties', 'magnitude_prune'].includes(combinationType);
    const adapters = isSameRank ? ['two', 'three'] : ['one', 'two'];
    peft.addWeightedAdapter({ adapters, weights: [0.7, -0.4], adapterName: 'mix', combinationType, ...options });
    expect(peft.peftConfig.mix).toBeInstanceOf(LoraConfig);
    const tensors = new Map(peft.namedParameters());
    for (const projection of ['q_proj', 'v_proj']) {
      const path = `base_model.model.model.layers.1.self_attn.${projection}`;
      const [a, b] = ['A', 'B'].map((factor) => tensors.get(`${path}.lora_${factor}.mix.weight`) as tf.Tensor2D);
      const delta = tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D);
      expect(relativeError(delta.transpose(), golden(`several/${way}/${projection}`))).toBeLessThan(1e-4);
    }
  });
});
