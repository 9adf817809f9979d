/** IA3 and VeRA against PEFT: see tests/golden/scripts/adapters/makeMethods.py. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { compile, getPeftModel, IA3Config, PeftModel, readSafetensors, tf, VeraConfig } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { loadMethod, methodGolden, methodGradients, methodPath } from './methodGoldens';
import { tenSteps } from './tenSteps';
import { fill, golden, IDS, LABELS, largestDifference, relativeError, tinyModel } from './tinyModel';

const IA3 = ['ia3', 'ia3All', 'ia3Regex', 'ia3Bias', 'ia3Tied'];
const VERA = ['vera', 'veraAll', 'veraLayers', 'veraKey', 'veraBias', 'veraBiasAll', 'veraTied'];

/** Ours as PEFT has it: kernels turned, and a vector as a row or a column. */
function asPeft(ours: tf.Tensor, { shape }: tf.Tensor): tf.Tensor {
  const isKernel = ours.rank === 2 && ours.shape.join() !== shape.join();
  return isKernel ? ours.transpose() : ours.reshape(shape);
}

describe.each([...IA3, ...VERA])("PEFT's adapter '%s'", (name) => {
  test("returns PEFT's logits and loss, compiled as well as op by op", async () => {
    const peft = await loadMethod(name);
    const run = compile((model: PeftModel, ids: tf.Tensor2D) => model.forward(ids));
    expect(relativeError(peft.forward(IDS), methodGolden(`${name}/logits`))).toBeLessThan(1e-5);
    expect(relativeError(run(peft, tf.tensor2d(IDS, undefined, 'int32')), methodGolden(`${name}/logits`))).toBeLessThan(1e-5);
    expect(relativeError(peft.loss(IDS, LABELS), methodGolden(`${name}/loss`))).toBeLessThan(1e-5);
    expect(relativeError(peft.forward(IDS), golden('base/logits'))).toBeGreaterThan(0.05);
    run.dispose();
  });

  test("trains PEFT's parameters with PEFT's gradients", async () => {
    const peft = await loadMethod(name);
    const parameters = peft.trainableParameters();
    const expected = methodGradients(name);
    expect([...parameters.keys()].sort()).toEqual([...expected.keys()].sort());
    const { grads } = tf.variableGrads(() => peft.loss(IDS, LABELS), [...parameters.values()]);
    for (const [key, variable] of parameters) {
      const theirs = expected.get(key) as tf.Tensor;
      expect(relativeError(asPeft(grads[variable.name] as tf.Tensor, theirs), theirs), key).toBeLessThan(1e-4);
    }
  });

  test('merges as in PEFT, and unmerges and is disabled without a trace', async () => {
    const peft = await loadMethod(name, { isTrainable: false });
    const unmerged = peft.forward(IDS);
    const weights = () => Array.from(peft.model.namedParameters(), ([path, variable]) => [path, variable.dataSync().slice()]);
    const before = weights();
    peft.mergeAdapter({ safeMerge: true });
    // PEFT merges a tied output layer into the embedding too; here the ends are parted, and the model computes the same.
    const merged = name.includes('Tied') ? unmerged : methodGolden(`${name}/merged`);
    expect(relativeError(peft.forward(IDS), merged)).toBeLessThan(1e-5);
    peft.unmergeAdapter();
    expect(weights()).toEqual(before);
    expect(largestDifference(peft.forward(IDS), unmerged)).toBe(0);
    expect(
      relativeError(
        peft.disableAdapter(() => peft.forward(IDS)),
        methodGolden(`${name}/disabled`),
      ),
    ).toBeLessThan(1e-5);
    expect(relativeError(peft.mergeAndUnload().forward(IDS), merged)).toBeLessThan(1e-5);
  });

  test("is written back as PEFT's own file", async () => {
    const folder = temporaryFolder();
    (await loadMethod(name)).savePretrained(folder('saved'));
    const file = 'adapter_model.safetensors';
    const [ours, theirs] = [readSafetensors(nodePath.join(folder('saved'), file)), readSafetensors(methodPath(`${name}/${file}`))];
    expect([...ours.names].sort()).toEqual([...theirs.names].sort());
    for (const key of theirs.names) {
      expect([key, ours.info(key).shape]).toEqual([key, theirs.info(key).shape]);
      expect(ours.toFloat32(key)).toEqual(theirs.toFloat32(key));
    }
    const config = (path: string) => {
      const { auto_mapping: _, ...fields } = JSON.parse(fs.readFileSync(nodePath.join(path, 'adapter_config.json'), 'utf8'));
      return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, Array.isArray(value) ? [...value].sort() : value]));
    };
    expect(config(folder('saved'))).toEqual(config(methodPath(name)));
  });
});

test.each([
  ['ia3Trained', 1e-2],
  ['veraTrained', 1e-2],
])('ten AdamW steps of %s follow PEFT and end in its weights', async (name, learningRate) => {
  const peft = await loadMethod(`${name}Start`);
  const { losses, parameters, before } = tenSteps(peft, learningRate);
  expect(largestDifference(tf.tensor1d(losses), methodGolden(`${name}/losses`))).toBeLessThan(1e-4);
  const end = readSafetensors(methodPath(`${name}End/adapter_model.safetensors`));
  for (const [key, variable] of peft.namedParameters()) {
    if (!parameters.has(key)) {
      expect(variable.dataSync()).toEqual(before.get(key));
      continue;
    }
    expect(variable.dataSync()).not.toEqual(before.get(key));
    const expected = tf.tensor(end.toFloat32(key.replace('.default', '')));
    expect([key, largestDifference(variable.flatten(), expected)]).toEqual([key, expect.closeTo(0, 4)]);
  }
});

describe.each([
  ['ia3Several', new IA3Config()],
  ['veraSeveral', new VeraConfig({ r: 2 })],
] as const)("PEFT's two adapters '%s' on one base", (name, config) => {
  const two = async () => {
    const peft = await PeftModel.fromPretrained(tinyModel(), methodPath(`${name}/one`), { adapterName: 'one' });
    peft.loadAdapter(methodPath(`${name}/two`), { adapterName: 'two' });
    return peft;
  };

  test('act alone and together, and are merged together, as in PEFT', async () => {
    const peft = await two();
    for (const active of ['one', 'two']) {
      peft.setAdapter(active);
      expect(relativeError(peft.forward(IDS), methodGolden(`${name}/${active}`))).toBeLessThan(1e-5);
    }
    peft.setAdapter(['one', 'two']);
    expect(relativeError(peft.forward(IDS), methodGolden(`${name}/both`))).toBeLessThan(1e-5);
    peft.mergeAdapter();
    expect(relativeError(peft.forward(IDS), methodGolden(`${name}/bothMerged`))).toBeLessThan(1e-5);
  });

  test('act by row, each as it does alone', async () => {
    const peft = await two();
    const mixed = peft.forward(IDS, { adapterNames: ['one', '__base__', 'two'] });
    const expected = ['one', undefined, 'two'].map((adapter, row) => {
      const alone = adapter === undefined ? golden('base/logits') : methodGolden(`${name}/${adapter}`);
      return alone.slice([row, 0, 0], [1, -1, -1]);
    });
    expect(relativeError(mixed, tf.concat(expected))).toBeLessThan(1e-5);
  });

  test('come and go without leaving a tensor behind', async () => {
    const model = tinyModel();
    const { numTensors } = tf.memory();
    const peft = await PeftModel.fromPretrained(model, methodPath(`${name}/one`), { adapterName: 'one' });
    peft.addAdapter('more', config);
    peft.mergeAdapter();
    peft.unmergeAdapter();
    peft.forward(IDS).dispose();
    peft.deleteAdapter('more');
    peft.unload();
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

test('IA3 adapters add up by their weights as in PEFT', async () => {
  const peft = await PeftModel.fromPretrained(tinyModel(), methodPath('ia3Several/one'), { adapterName: 'one' });
  peft.loadAdapter(methodPath('ia3Several/two'), { adapterName: 'two' });
  peft.addWeightedAdapter({ adapters: ['one', 'two'], weights: [0.7, 0.6], adapterName: 'mix' });
  peft.setAdapter('mix');
  expect(relativeError(peft.forward(IDS), methodGolden('ia3Several/mix'))).toBeLessThan(1e-5);
});

test.each([new IA3Config(), new VeraConfig({ r: 4 })])(
  'a new adapter starts as its base and writes text like it: $peftType',
  async (config) => {
    const base = await tinyModel().generate([[1, 5, 9]], { maxNewTokens: 6 });
    const peft = getPeftModel(tinyModel(), config);
    expect(relativeError(peft.forward(IDS), golden('base/logits'))).toBeLessThan(1e-6);
    expect(await peft.generate([[1, 5, 9]], { maxNewTokens: 6 })).toEqual(base);
    fill(peft.trainableParameters().values());
    const written = await peft.generate([[1, 5, 9]], { maxNewTokens: 6 });
    expect(written).toEqual(await peft.mergeAndUnload().generate([[1, 5, 9]], { maxNewTokens: 6 }));
  },
);
