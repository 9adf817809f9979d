import {
  AdamW,
  ArgumentError,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  type LoraOptions,
  type PeftModel,
  tf,
  UnsupportedError,
} from 'lowrank';
import { describe, expect, test } from 'vitest';
import { AdapterState } from '../../../lib/lowrank/src/peft/layers/adapterState';
import { ModulesToSave } from '../../../lib/lowrank/src/peft/layers/modulesToSave';
import { SMALL_SIZES } from '../../llama/smallSizes';
import { fill, IDS, LABELS, largestDifference, relativeError, tinyModel } from '../tinyModel';

const OPTIONS = { r: 2, modulesToSave: ['lm_head', 'embed_tokens'] };

function adapted(options: LoraOptions = OPTIONS, model = tinyModel()): PeftModel {
  return getPeftModel(model, new LoraConfig(options));
}

/** A few steps of training, after an evaluation. */
function train(peft: PeftModel, steps = 3): void {
  peft.loss(IDS, LABELS).dispose();
  const optimizer = new AdamW({ learningRate: 0.1 });
  for (let step = 0; step < steps; step++) {
    const { value, grads } = tf.variableGrads(() => peft.loss(IDS, LABELS), [...peft.trainableParameters().values()]);
    optimizer.applyGradients(grads);
    tf.dispose([value, ...Object.values(grads)]);
  }
  optimizer.dispose();
}

test('modules to save start as the base, are trained whole, and leave the base as it is', () => {
  const model = tinyModel();
  const before = model.forward(IDS);
  const peft = adapted(OPTIONS, model);
  expect(largestDifference(peft.forward(IDS), before)).toBe(0);
  const start = new Map(Array.from(peft.namedParameters(), ([name, variable]) => [name, variable.dataSync().slice()]));
  train(peft);
  for (const [name, variable] of peft.namedParameters()) {
    const isTrained = /lora_|modules_to_save/.test(name);
    expect([name, variable.trainable]).toEqual([name, isTrained]);
    if (isTrained) expect(variable.dataSync()).not.toEqual(start.get(name));
    else expect(variable.dataSync()).toEqual(start.get(name));
  }
  const off = peft.disableAdapter(() => peft.forward(IDS));
  expect(largestDifference(off, before)).toBe(0);
});

test("their parameters have PEFT's names", () => {
  const names = [...adapted().trainableParameters().keys()].filter((name) => !name.includes('lora_'));
  expect(names).toEqual([
    'base_model.model.model.embed_tokens.modules_to_save.default.weight',
    'base_model.model.lm_head.modules_to_save.default.weight',
  ]);
  expect([...adapted().adapterTensors('default').keys()].slice(-2)).toEqual(['model.embed_tokens.weight', 'lm_head.weight']);
});

test('a tied head becomes one of its own, and the embedding stays', () => {
  const peft = adapted({ r: 2, modulesToSave: ['lm_head'] }, tinyModel({ tieWordEmbeddings: true }));
  expect(largestDifference(peft.forward(IDS), tinyModel({ tieWordEmbeddings: true }).forward(IDS))).toBeLessThan(1e-5);
  train(peft);
  const plain = peft.mergeAndUnload();
  expect([...plain.namedParameters()].filter(([name]) => /embed|head/.test(name)).map(([name]) => name)).toEqual([
    'model.embed_tokens.weight',
    'lm_head.weight',
  ]);
});

describe('two adapters, each with its own head', () => {
  const pair = () => {
    const peft = adapted();
    peft.addAdapter('other', new LoraConfig({ r: 2, modulesToSave: ['lm_head'] }));
    fill([...peft.namedParameters()].filter(([name]) => /lora_|modules_to_save/.test(name)).map(([, variable]) => variable));
    return peft;
  };
  const alone = (peft: PeftModel, name: string) => {
    peft.setAdapter(name);
    return peft.forward(IDS);
  };

  test('act one at a time, or by row', () => {
    const peft = pair();
    const mixed = peft.forward(IDS, { adapterNames: ['other', '__base__', 'default'] });
    const rows = [alone(peft, 'other'), tinyModel().forward(IDS), alone(peft, 'default')].map((logits, row) => logits.slice([row], [1]));
    expect(relativeError(mixed, tf.concat(rows))).toBeLessThan(1e-5);
    expect(() => peft.setAdapter(['default', 'other'])).toThrow("default and other each have a copy of 'lm_head'");
    expect(peft.activeAdapters).toEqual(['default']);
  });

  test('go away one by one', () => {
    const model = tinyModel();
    const numTensors = tf.memory().numTensors;
    const peft = adapted(OPTIONS, model);
    peft.addAdapter('other', new LoraConfig({ r: 2, modulesToSave: ['lm_head'] }));
    peft.deleteAdapter('other');
    expect([...peft.namedParameters()].some(([name]) => name.includes('other'))).toBe(false);
    peft.deleteAdapter('default');
    expect(tf.memory().numTensors).toBe(numTensors);
    expect([...model.namedModules()].map(([path]) => path)).toEqual([...tinyModel().namedModules()].map(([path]) => path));
  });
});

test.each(['mergeAndUnload', 'unload'] as const)('%s leaves a plain model and nothing else', (way) => {
  const model = tinyModel();
  const before = model.forward(IDS);
  const numTensors = tf.memory().numTensors;
  const peft = adapted(OPTIONS, model);
  fill(peft.trainableParameters().values());
  const trained = peft.forward(IDS);
  const plain = peft[way]();
  expect(relativeError(plain.forward(IDS), way === 'unload' ? before : trained)).toBeLessThan(1e-4);
  expect(tf.memory().numTensors).toBe(numTensors + 2);
  expect([...plain.namedModules()].map(([path]) => path)).toEqual([...tinyModel().namedModules()].map(([path]) => path));
});

test('what cannot be saved whole is refused, and the model stays as it was', () => {
  const model = tinyModel();
  const paths = [...model.namedModules()].map(([path]) => path);
  expect(() => adapted({ modulesToSave: ['rotary_emb'] }, model)).toThrow(/matches no module/);
  expect(() => adapted({ modulesToSave: ['score'] }, model)).toThrow(ArgumentError);
  expect(() => adapted({ modulesToSave: ['q_proj', 'v_proj'] }, model)).toThrow('leave none of them');
  expect(() => adapted({ modulesToSave: [''] }, model)).toRefuse(ArgumentError, 'modulesToSave has an empty name, with which every');
  expect(() => adapted({ targetModules: ['q_proj'], modulesToSave: ['proj'] }, model)).toRefuse(
    ArgumentError,
    "'model.layers.0.self_attn.q_proj' is a target, and an entry of modulesToSave is the end of its name: choose one",
  );
  expect([...model.namedModules()].map(([path]) => path)).toEqual(paths);
  const peft = adapted(OPTIONS, model);
  expect(() => peft.addAdapter('other', new LoraConfig({ targetModules: ['lm_head'] }))).toThrow(UnsupportedError);
});

test('a name that is given a thousand times is looked up once', () => {
  const model = LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, numHiddenLayers: 30 });
  const saved = new ModulesToSave(model, new AdapterState([]));
  const begun = performance.now();
  const chosen = saved.chosen({ modulesToSave: Array.from({ length: 1000 }, () => 'norm') });
  expect(performance.now() - begun).toBeLessThan(1500); // 5 s where each is looked up
  expect(chosen.map(([path]) => path)).toEqual(saved.chosen({ modulesToSave: ['norm'] }).map(([path]) => path));
});
