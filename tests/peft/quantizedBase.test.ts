import {
  AdamW,
  getPeftModel,
  Linear,
  LlamaForCausalLM,
  LoraConfig,
  LoraLinear,
  type LoraOptions,
  NotFiniteError,
  type PeftModel,
  type QuantizedFormat,
  quantizeModel,
  StateError,
  tf,
  train,
  UnsupportedError,
} from 'lowrank';
import { describe, expect, test } from 'vitest';
import { castModel, QuantizedLinear, QuantizedWeight, roundWeight } from '../../lib/lowrank/src/nn';
import { SMALL_SIZES } from '../llama/smallSizes';
import { IDS, LABELS, largestDifference, relativeError } from './tinyModel';

type Format = QuantizedFormat | 'bfloat16';
const FORMATS = ['nf4', 'int8', 'q4_1', 'bfloat16'] as const satisfies Format[];
const SIZES = { ...SMALL_SIZES, initializerRange: 0.2 };

function base(format: Format, sizes: Partial<typeof SIZES> = {}): LlamaForCausalLM {
  const model = LlamaForCausalLM.fromConfig({ ...SIZES, ...sizes });
  if (format === 'bfloat16') castModel(model, format);
  else quantizeModel(model, format);
  return model;
}

/** The model in a format under adapters that are not 0, and the same adapters on the dequantised base. */
function pair(format: Format, options: LoraOptions = {}): { stored: PeftModel; plain: PeftModel } {
  const [stored, plain] = [base(format), base(format)];
  castModel(plain, 'float32');
  return { stored: adapted(stored, options), plain: adapted(plain, options) };
}

function adapted(model: LlamaForCausalLM, options: LoraOptions = {}): PeftModel<LlamaForCausalLM> {
  const peft = getPeftModel(model, new LoraConfig({ r: 2, loraAlpha: 6, targetModules: 'all-linear', ...options }));
  let seed = 1;
  for (const variable of peft.trainableParameters().values()) {
    tf.tidy(() => variable.assign(tf.randomNormal(variable.shape, 0, 0.2, 'float32', seed++)));
  }
  return peft;
}

/** A copy of every packed word, and of every other frozen variable. */
function frozenValues(model: PeftModel): Map<string, Int32Array | Float32Array> {
  const frozen = [...model.namedParameters()].filter(([, { trainable }]) => !trainable);
  return new Map(frozen.map(([name, variable]) => [name, variable.dataSync<'float32'>().slice()]));
}

function moduleAt<M>(model: LlamaForCausalLM, path: string, kind: abstract new (...args: never[]) => M): M {
  const module: unknown = new Map(model.namedModules()).get(path);
  if (module instanceof kind) return module;
  throw new TypeError(`there is no ${kind.name} at ${path}`);
}

function gradients(model: PeftModel): { loss: number; grads: Map<string, tf.Tensor> } {
  const parameters = model.trainableParameters();
  const { value, grads } = tf.variableGrads(() => model.loss(IDS, LABELS), [...parameters.values()]);
  return {
    loss: value.dataSync()[0] ?? Number.NaN,
    grads: new Map(Array.from(parameters, ([name, { name: id }]) => [name, grads[id] as tf.Tensor])),
  };
}

describe.each(FORMATS)('LoRA on a base in %s', (format) => {
  test('has the loss and the gradients that it has on the dequantised base, and no others', () => {
    const { stored, plain } = pair(format);
    const [own, expected] = [gradients(stored), gradients(plain)];
    expect(own.loss).toBeCloseTo(expected.loss, 5);
    expect([...own.grads.keys()]).toEqual([...expected.grads.keys()]);
    expect(own.grads.size).toBe(28);
    for (const [name, grad] of own.grads) {
      expect(name).toMatch(/lora_[AB]/);
      expect(relativeError(grad, expected.grads.get(name) as tf.Tensor), name).toBeLessThan(1e-4);
    }
  });

  test('moves every adapter tensor in two steps after an evaluation, and not one packed word', () => {
    const model = getPeftModel(base(format), new LoraConfig({ r: 2, targetModules: 'all-linear' }));
    model.loss(IDS, LABELS).dispose();
    const frozen = frozenValues(model);
    expect([...frozen.keys()].filter((name) => name.endsWith('.words')).length).toBeGreaterThanOrEqual(14);
    const before = new Map(Array.from(model.trainableParameters(), ([name, variable]) => [name, variable.clone()]));
    const optimizer = new AdamW({ learningRate: 0.01 });
    // The first step moves B alone.
    for (let step = 0; step < 2; step++) {
      const { grads } = gradients(model);
      optimizer.applyGradients(Object.fromEntries(grads), model.trainableParameters());
    }
    for (const [name, variable] of model.trainableParameters()) {
      expect(largestDifference(variable, before.get(name) as tf.Tensor), name).toBeGreaterThan(1e-4);
    }
    expect(frozenValues(model)).toEqual(frozen);
  });

  test('trains compiled as it trains op by op', async () => {
    const losses = async (compile: boolean) => {
      const model = adapted(base(format, { numHiddenLayers: 1 }));
      const { history } = await train(model, [{ inputIds: IDS, labels: LABELS }], { steps: 3, compile });
      return history.map(({ loss }) => loss);
    };
    const [compiled, plain] = [await losses(true), await losses(false)];
    expect(new Set(plain).size).toBe(3);
    for (const [step, loss] of compiled.entries()) expect(loss).toBeCloseTo(plain[step] ?? Number.NaN, 4);
  });

  test('merges into the dequantised weight, rounded to the format again, and unmerges word by word', () => {
    const { stored, plain } = pair(format);
    const words = frozenValues(stored);
    const unmerged = stored.forward(IDS);
    stored.mergeAdapter();
    plain.mergeAdapter();
    for (const [path, { values, exact }] of weights(stored, plain)) {
      expect(largestDifference(values, roundWeight(exact, format)), path).toBeLessThan(1e-6);
      expect(largestDifference(values, exact), path).toBeGreaterThan(0);
    }
    expect(relativeError(stored.forward(IDS), unmerged)).toBeGreaterThan(1e-5);
    stored.unmergeAdapter();
    expect(frozenValues(stored)).toEqual(words);
    expect(largestDifference(stored.forward(IDS), unmerged)).toBe(0);
  });

  test('gives a plain model with its unmerged logits when that is asked for', () => {
    const model = adapted(base(format));
    const unmerged = model.forward(IDS);
    const plain = model.mergeAndUnload({ dtype: 'float32' });
    expect([...plain.namedModules()].some(([, module]) => module instanceof QuantizedWeight)).toBe(false);
    expect(relativeError(plain.forward(IDS), unmerged)).toBeLessThan(1e-4);
    const half = adapted(base(format)).mergeAndUnload({ dtype: 'bfloat16' });
    expect(half.lmHead).toBeInstanceOf(QuantizedLinear);
    castModel(plain, 'bfloat16');
    expect(largestDifference(half.forward(IDS), plain.forward(IDS))).toBe(0);
  });

  test('leaves base and memory as they were when a safe merge is refused', () => {
    const { stored } = pair(format);
    const first = [...stored.trainableParameters().values()].at(-1) as tf.Variable;
    tf.tidy(() => first.assign(tf.fill(first.shape, Number.NaN)));
    const words = frozenValues(stored);
    const before = tf.memory().numTensors;
    expect(() => stored.mergeAdapter({ safeMerge: true })).toThrow(NotFiniteError);
    expect(() => stored.mergeAndUnload({ safeMerge: true, dtype: 'float32' })).toThrow(NotFiniteError);
    expect(tf.memory().numTensors).toBe(before);
    expect(frozenValues(stored)).toEqual(words);
  });
});

/** The merged weights of two models, (O, I), by path. */
function weights(stored: PeftModel, plain: PeftModel): Map<string, { values: tf.Tensor; exact: tf.Tensor }> {
  const others = new Map(plain.namedModules());
  const found = [...stored.namedModules()].flatMap(([path, module]) => {
    const other = others.get(path);
    if (!(module instanceof QuantizedLinear) || !(other instanceof Linear) || path.endsWith('lm_head')) return [];
    return [[path, { values: module.weight.unpack(), exact: other.weight.transpose() }] as const];
  });
  expect(found).toHaveLength(14);
  return new Map(found);
}

test('merging follows the dequantised weights, not those that were quantised', () => {
  const PATH = 'model.layers.0.mlp.down_proj';
  const model = LlamaForCausalLM.fromConfig(SIZES);
  const original = moduleAt(model, PATH, Linear).weight.clone();
  quantizeModel(model, 'nf4');
  const dequantised = tf.tidy(() => moduleAt(model, PATH, QuantizedLinear).weight.unpack().transpose());
  const peft = adapted(model, { targetModules: ['down_proj'] });
  const { loraA, loraB, scaling } = moduleAt(peft.model, PATH, LoraLinear);
  const delta = tf.matMul(loraA as tf.Tensor2D, loraB as tf.Tensor2D).mul(scaling);
  const { weight } = moduleAt(peft.mergeAndUnload({ dtype: 'float32' }), PATH, Linear);
  expect(largestDifference(weight, dequantised.add(delta))).toBeLessThan(1e-6);
  expect(largestDifference(weight, original.add(delta))).toBeGreaterThan(0.01);
});

test('DoRA on a stored base computes what it computes on the dequantised one', () => {
  const { stored, plain } = pair('nf4', { useDora: true });
  expect(relativeError(stored.forward(IDS), plain.forward(IDS))).toBeLessThan(1e-4);
  const [own, expected] = [gradients(stored), gradients(plain)];
  for (const [name, grad] of own.grads) expect(relativeError(grad, expected.grads.get(name) as tf.Tensor), name).toBeLessThan(1e-3);
});

test('LoRA on a stored embedding and head computes what it computes on the dequantised ones', () => {
  const { stored, plain } = pair('bfloat16', { targetModules: ['embed_tokens', 'lm_head', 'q_proj'] });
  expect(relativeError(stored.forward(IDS), plain.forward(IDS))).toBeLessThan(1e-5);
  stored.mergeAdapter();
  plain.mergeAdapter();
  expect(relativeError(stored.forward(IDS), plain.forward(IDS))).toBeLessThan(0.05);
});

test.each(['pissa', 'olora'] as const)('the start %s asks for a base in float32', (initLoraWeights) => {
  const model = base('nf4');
  expect(() => adapted(model, { initLoraWeights })).toThrow(UnsupportedError);
  expect([...model.namedParameters()].some(([name]) => name.includes('lora'))).toBe(false);
});

test('the base under adapters is packed later: not while they are merged, and without their copies of modules', () => {
  const packed = (when: 'before' | 'after') => {
    const model = LlamaForCausalLM.fromConfig(SIZES);
    if (when === 'before') quantizeModel(model, 'int8');
    const peft = adapted(model, { targetModules: ['q_proj', 'down_proj'], modulesToSave: ['gate_proj'] });
    if (when === 'before') return peft;
    const before = frozenValues(peft);
    peft.mergeAdapter();
    for (const whole of [peft, peft.model]) {
      expect(() => quantizeModel(whole, 'int8')).toRefuse(StateError, 'default is merged into these weights: call unmergeAdapter() first');
    }
    peft.unmergeAdapter();
    expect(frozenValues(peft)).toEqual(before);
    quantizeModel(peft, 'int8');
    return peft;
  };
  const [first, later] = [packed('before'), packed('after')];
  expect(frozenValues(later)).toEqual(frozenValues(first));
  expect([...later.trainableParameters().keys()]).toEqual([...first.trainableParameters().keys()]);
  for (const { dtype } of later.trainableParameters().values()) expect(dtype).toBe('float32');
  expect(largestDifference(later.forward(IDS), first.forward(IDS))).toBe(0);
});

test('modulesToSave trains copies of stored modules in float32, which merging keeps', () => {
  for (const tieWordEmbeddings of [false, true]) {
    const model = LlamaForCausalLM.fromConfig({ ...SIZES, tieWordEmbeddings });
    castModel(model, 'bfloat16');
    const before = model.forward(IDS);
    const peft = getPeftModel(model, new LoraConfig({ r: 2, modulesToSave: ['lm_head', 'embed_tokens', 'down_proj'] }));
    expect(relativeError(peft.forward(IDS), before)).toBeLessThan(1e-5);
    const copies = [...peft.trainableParameters()].filter(([name]) => name.includes('modules_to_save'));
    expect(copies.map(([, { dtype, shape }]) => [dtype, ...shape])).toEqual(
      expect.arrayContaining([
        ['float32', 40, 32],
        ['float32', 64, 32],
        ['float32', 32, 40],
      ]),
    );
    for (const [, copy] of copies) tf.tidy(() => copy.assign(copy.mul(1.5)));
    const changed = peft.forward(IDS);
    expect(relativeError(changed, before)).toBeGreaterThan(0.1);
    expect(relativeError(peft.mergeAndUnload({ dtype: 'float32' }).forward(IDS), changed)).toBeLessThan(1e-5);
  }
});
