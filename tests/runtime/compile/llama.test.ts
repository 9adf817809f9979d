/** Whole models through the compiler: what a compiled model computes is what it computes operation by operation. */
import {
  AdamW,
  AdaptionPromptConfig,
  ArgumentError,
  compile,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  makeBatches,
  type PeftModel,
  tf,
  train,
} from 'lowrank';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { castModel } from '../../../lib/lowrank/src/nn';
import { seededRandom } from '../../../lib/lowrank/src/runtime';
import { tensorOfHandle } from '../../../lib/lowrank/src/runtime/compile/tfjsInternals';
import { runTrace } from '../../../lib/lowrank/src/runtime/compile/tracing/runTrace';
import { Trace } from '../../../lib/lowrank/src/runtime/compile/tracing/trace';
import * as bfloat16Support from '../../../lib/lowrank/src/runtime/device/bfloat16Support';
import { noTensorLeft } from '../../noTensorLeft';
import { definedFunctions } from './bindingSpies';

const TINY = {
  vocabSize: 40,
  hiddenSize: 16,
  intermediateSize: 24,
  numAttentionHeads: 4,
  numKeyValueHeads: 2,
  headDim: 4,
  tieWordEmbeddings: true,
};
const IDS = [
  [1, 5, 9, 3, 17, 30, 8],
  [1, 22, 4, 39, 11, 6, 7],
];
const MASK = [
  [1, 1, 1, 1, 1, 1, 1],
  [1, 1, 1, 1, 1, 0, 0],
];

noTensorLeft();
afterEach(() => vi.restoreAllMocks());

/** Lets the device have instructions for bfloat16, or not. */
function setBfloat16Products(has: boolean): void {
  vi.spyOn(bfloat16Support, 'hasBfloat16Products').mockReturnValue(has);
}

function model(numHiddenLayers = 2, seed = 1) {
  return LlamaForCausalLM.fromConfig({ ...TINY, numHiddenLayers, initializerRange: 0.15 }, { seed });
}

/** Gives every adapter parameter values other than the zeros that some start with. */
function stir(peft: PeftModel, seed = 5): void {
  const random = seededRandom(seed);
  for (const [, variable] of peft.trainableParameters()) {
    tf.tidy(() =>
      variable.assign(
        tf.tensor(
          Float32Array.from({ length: variable.size }, () => (random() - 0.5) / 4),
          variable.shape,
        ),
      ),
    );
  }
}

const lora = (options: object = {}) => new LoraConfig({ r: 3, loraAlpha: 6, targetModules: 'all-linear', ...options });
const prefix = (gate: 'scalar' | 'perHeadTanh') => new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: 2, gate });

function lossAndGrads(on: PeftModel): tf.NamedTensorMap {
  const parameters = [...on.trainableParameters()];
  const { value, grads } = tf.variableGrads(
    () =>
      on.loss(tf.tensor2d(IDS, undefined, 'int32'), tf.tensor2d(IDS, undefined, 'int32'), {
        attentionMask: tf.tensor2d(MASK, undefined, 'int32'),
      }),
    parameters.map(([, variable]) => variable),
  );
  return { loss: value, ...Object.fromEntries(parameters.map(([name, variable]) => [name, grads[variable.name] as tf.Tensor])) };
}

/** The largest difference of any two values, against the largest value of that tensor. */
function difference(one: tf.NamedTensorMap, other: tf.NamedTensorMap): number {
  expect(Object.keys(one)).toEqual(Object.keys(other));
  const differences = Object.entries(one).map(([name, tensor]) =>
    tf.tidy(() => {
      const expected = other[name] as tf.Tensor;
      const size = expected.abs().max().dataSync()[0] ?? Number.NaN;
      expect(size, `${name} is zero: nothing is compared`).toBeGreaterThan(0);
      return (tensor.sub(expected).abs().max().dataSync()[0] ?? Number.NaN) / size;
    }),
  );
  return Math.max(...differences);
}

describe.each([
  ['LoRA on every linear layer', () => lora()],
  ['DoRA', () => lora({ useDora: true, targetModules: ['q_proj', 'v_proj'] })],
  ['a prefix', () => prefix('scalar')],
  ['a prefix with a gate per head', () => prefix('perHeadTanh')],
] as const)('loss and gradients with %s', (_, config) => {
  test.each([
    { xla: false, checkpointing: false },
    { xla: false, checkpointing: true },
    { xla: true, checkpointing: false },
  ])('equal those computed op by op: %o', ({ xla, checkpointing }) => {
    const base = model();
    base.model.gradientCheckpointing = checkpointing;
    const peft = getPeftModel(base, config());
    stir(peft);
    const compiled = compile(lossAndGrads, { xla });
    tf.tidy(() => {
      expect(difference(compiled(peft), lossAndGrads(peft))).toBeLessThan(1e-5);
    });
    compiled.dispose();
    peft.dispose();
  });
});

test('gradient checkpointing is on or off, and set where it acts', async () => {
  const base = model();
  const batch = { inputIds: [[1, 2, 3]], labels: [[1, 2, 3]] };
  base.model.gradientCheckpointing = 'x' as never;
  expect(() => base.forward([[1, 2]])).toRefuse(ArgumentError, 'gradientCheckpointing "x" is none of true, false');
  base.model.gradientCheckpointing = false;
  Object.assign(base, { gradientCheckpointing: true });
  await expect(train(base, [batch], { steps: 1 })).rejects.toRefuse(
    ArgumentError,
    'set base.model.gradientCheckpointing of the LlamaForCausalLM',
  );
  base.dispose();
});

test('bfloat16 products change loss and gradients by a few parts in a hundred, and not by nothing', () => {
  setBfloat16Products(true);
  const peft = getPeftModel(model(), lora());
  stir(peft);
  const compiled = compile(lossAndGrads, { precision: 'bfloat16' });
  tf.tidy(() => {
    const [mine, plain] = [compiled(peft), lossAndGrads(peft)];
    expect(difference({ loss: mine.loss as tf.Tensor }, { loss: plain.loss as tf.Tensor })).toBeLessThan(0.01);
    expect(difference(mine, plain)).toBeLessThan(0.08);
    expect(difference(mine, plain)).toBeGreaterThan(1e-5);
  });
  compiled.dispose();
  peft.dispose();
});

test.each(['float32', 'bfloat16'] as const)(
  "where the device has no bfloat16 products, 'bfloat16' gives the loss and gradients of float32 (weights held in %s)",
  (dtype) => {
    setBfloat16Products(false);
    const base = model();
    castModel(base, dtype);
    const peft = getPeftModel(base, lora());
    stir(peft);
    const compiled = compile(lossAndGrads, { precision: 'bfloat16' });
    tf.tidy(() => {
      expect(difference(compiled(peft), lossAndGrads(peft))).toBeLessThan(1e-5);
    });
    compiled.dispose();
    peft.dispose();
  },
);

describe('compiled training', () => {
  const batchesOf = (...widths: number[]) =>
    makeBatches(
      IDS.flatMap((row) => widths.map((width) => [...row, 3].slice(0, width))).map((inputIds) => ({ inputIds, labels: inputIds })),
      { batchSize: 2, padTokenId: 0 },
    );

  async function trained(config: LoraConfig | AdaptionPromptConfig, options: Parameters<typeof train>[2], batches = batchesOf(7, 5)) {
    const peft = getPeftModel(model(), config);
    stir(peft);
    const optimizer = new AdamW({ learningRate: 0.01 });
    const { history } = await train(peft, batches, { steps: 6, optimizer, ...options });
    const values = Object.fromEntries(Array.from(peft.trainableParameters(), ([name, variable]) => [name, variable.clone()]));
    optimizer.dispose();
    peft.dispose();
    return { losses: history.map(({ loss }) => loss), values };
  }

  test.each([
    ['LoRA', () => lora(), batchesOf(7, 5)],
    ['LoRA and two batches per update', () => lora(), batchesOf(7, 5), 2],
    ['LoRA with dropout', () => lora({ loraDropout: 0.3 }), batchesOf(8)], // a width that is not padded: masks are drawn by place
    ['a prefix', () => prefix('scalar'), batchesOf(7, 5)],
  ] as const)(
    'with %s gives the losses and the weights of training op by op',
    async (_, config, batches, gradientAccumulation: number = 1) => {
      const [mine, plain] = [
        await trained(config(), { gradientAccumulation }, batches),
        await trained(config(), { gradientAccumulation, compile: false }, batches),
      ];
      expect(mine.losses.length).toBe(6);
      for (const [i, loss] of mine.losses.entries()) expect(loss).toBeCloseTo(plain.losses[i] ?? 0, 4);
      expect(difference(mine.values, plain.values)).toBeLessThan(1e-3);
      tf.dispose([mine.values, plain.values]);
    },
  );

  test('in bfloat16 follows the losses of float32', async () => {
    setBfloat16Products(true);
    const [mine, plain] = [await trained(lora(), { precision: 'bfloat16' }), await trained(lora(), {})];
    for (const [i, loss] of mine.losses.entries()) expect(Math.abs(loss / (plain.losses[i] ?? 0) - 1)).toBeLessThan(0.02);
    expect(mine.losses).not.toEqual(plain.losses);
    tf.dispose([mine.values, plain.values]);
  });
});

test('a deeper model has no more functions to compile, and a second model of its form none but its own', async () => {
  const compiled = compile(lossAndGrads, { name: 'loss_and_grads' });
  const functionsOf = async (layers: number, seed: number) => {
    const peft = getPeftModel(model(layers, seed), lora({ r: 5 }), { seed }); // a rank that no other test has had compiled
    stir(peft, seed);
    const names = await definedFunctions(() => tf.dispose(compiled(peft)));
    peft.dispose();
    return names;
  };
  const twoLayers = await functionsOf(2, 1);
  // The first layer's input needs no gradient: its way back is another one, the way forward is the same.
  expect(twoLayers.filter((name) => name.startsWith('decoder_layer')).sort()).toEqual([
    'decoder_layer',
    'decoder_layer_backward',
    'decoder_layer_backward',
  ]);
  expect(await functionsOf(9, 2)).toEqual(['loss_and_grads']);
  expect(await functionsOf(9, 3)).toEqual([]);
  expect(compiled.traces).toBe(2);
  compiled.dispose();
});

test('switching between adapters of one form compiles once, and gives each its own result', () => {
  const peft = getPeftModel(model(), lora({ r: 2, targetModules: ['q_proj', 'v_proj'] }), { adapterName: 'one' });
  stir(peft, 1);
  peft.addAdapter('two', lora({ r: 2, targetModules: ['q_proj', 'v_proj'] }));
  peft.setAdapter('two');
  stir(peft, 2);
  const compiled = compile((on: PeftModel, ids: tf.Tensor2D) => on.forward(ids));
  tf.tidy(() => {
    const ids = tf.tensor2d(IDS, undefined, 'int32');
    for (const name of ['one', 'two', 'one', 'two']) {
      peft.setAdapter(name);
      expect(difference({ logits: compiled(peft, ids) }, { logits: peft.forward(ids) })).toBeLessThan(1e-5);
    }
  });
  expect(compiled.traces).toBe(1);
  compiled.dispose();
  peft.dispose();
});

test('tracing a LLaMA-7B training step holds less than 50 MB', ({ onTestFinished }) => {
  vi.stubEnv('LOWRANK_MEMORY_LIMIT', 'none'); // weights that are not there take no memory, which the guard cannot know
  onTestFinished(() => void vi.unstubAllEnvs());
  const config = { vocabSize: 32_000, hiddenSize: 4096, intermediateSize: 11_008, numHiddenLayers: 32, numAttentionHeads: 32 };
  const shapeOnly = (shape: readonly number[]) => tensorOfHandle({ id: -1, dtype: 1, shape: [...shape] }); // a handle of nothing
  const shapes: Readonly<Record<string, readonly number[]>> = {
    'model.embed_tokens.weight': [32_000, 4096],
    'lm_head.weight': [4096, 32_000],
    'mlp.gate_proj.weight': [4096, 11_008],
    'mlp.up_proj.weight': [4096, 11_008],
    'mlp.down_proj.weight': [11_008, 4096],
  };
  const base = LlamaForCausalLM.fromTensors(config, (name) => {
    const [key = ''] = Object.keys(shapes).filter((suffix) => name.endsWith(suffix));
    return shapeOnly(shapes[key] ?? (name.includes('norm') ? [4096] : [4096, 4096]));
  });
  const peft = getPeftModel(base, new LoraConfig({ r: 16, loraAlpha: 16, targetModules: ['q_proj', 'v_proj'] }));
  const parameters = [...peft.trainableParameters()].map(([, variable]) => variable);
  const ids = shapeOnlyIds();
  const step = (on: PeftModel, rows: tf.Tensor2D) => {
    const { value, grads } = tf.variableGrads(() => on.loss(rows, rows), parameters);
    for (const variable of parameters) variable.assign(variable.sub((grads[variable.name] as tf.Tensor).mul(0.1)));
    return value;
  };
  const memory = () => process.memoryUsage().rss / 2 ** 20;
  const trace = new Trace('step_of_7b', 'bfloat16');
  const begin = memory();
  const given = { tensors: [ids], parameters: [], key: '' };
  const traced = runTrace(trace, { fn: step, args: [peft, ids], given, reached: new Set() });
  expect(memory() - begin).toBeLessThan(50);
  expect(traced.assigned.length).toBe(2 * 32 * 2); // A and B of q and v in each layer
  expect(trace.graph.operations.length).toBeGreaterThan(32 * 20);
  trace.graph.delete();
  ids.dispose();
  peft.dispose();

  function shapeOnlyIds(): tf.Tensor2D {
    return tensorOfHandle({ id: -1, dtype: 3, shape: [4, 2048] }) as tf.Tensor2D;
  }
});
