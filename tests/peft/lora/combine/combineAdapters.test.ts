import {
  ArgumentError,
  type CombinationType,
  getPeftModel,
  LoraConfig,
  type LoraOptions,
  type PeftModel,
  StateError,
  tf,
  UnsupportedError,
} from 'lowrank';
import { describe, expect, test, vi } from 'vitest';
import { fill, IDS, LABELS, largestDifference, relativeError, tinyModel } from '../../tinyModel';

/** A model with the adapters one, two, … that all show. */
function several(...options: LoraOptions[]): PeftModel {
  const names = ['one', 'two', 'three'];
  const peft = getPeftModel(tinyModel(), new LoraConfig({ r: 3, ...options[0] }), { adapterName: 'one' });
  for (const [index, option] of options.slice(1).entries()) peft.addAdapter(names[index + 1] ?? '', new LoraConfig({ r: 3, ...option }));
  fill([...peft.namedParameters()].filter(([name]) => name.includes('lora_')).map(([, variable]) => variable));
  return peft;
}

/** ΔW of an adapter on each of its layers, by path. */
function updates(peft: PeftModel, name: string): Map<string, tf.Tensor> {
  const { r, loraAlpha, useRslora } = peft.peftConfig[name] as LoraConfig;
  const scaling = useRslora ? loraAlpha / Math.sqrt(r) : loraAlpha / r;
  const tensors = peft.adapterTensors(name);
  return new Map(
    [...tensors].flatMap(([key, { variable }]) => {
      const path = /^(.*)\.lora_A\.weight$/.exec(key)?.[1];
      const loraB = tensors.get(`${path}.lora_B.weight`)?.variable;
      return path && loraB ? [[path, tf.matMul(variable as tf.Tensor2D, loraB as tf.Tensor2D).mul(scaling)] as const] : [];
    }),
  );
}

/** Σ wᵢ·ΔWᵢ, by path. */
function weightedSum(peft: PeftModel, adapters: readonly string[], weights: readonly number[]): Map<string, tf.Tensor> {
  const sum = new Map<string, tf.Tensor>();
  for (const [index, name] of adapters.entries()) {
    for (const [path, delta] of updates(peft, name)) {
      const part = delta.mul(weights[index] ?? 0);
      sum.set(path, sum.get(path)?.add(part) ?? part);
    }
  }
  return sum;
}

function largestError(found: Map<string, tf.Tensor>, expected: Map<string, tf.Tensor>): number {
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  return Math.max(...Array.from(expected, ([path, delta]) => relativeError(found.get(path) as tf.Tensor, delta)));
}

describe.each<[string, LoraOptions[]]>([
  ['alike', [{}, {}]],
  [
    'of different ranks and scales',
    [
      { r: 2, loraAlpha: 7 },
      { r: 4, loraAlpha: -1 },
    ],
  ],
  ['rank-stabilised', [{ useRslora: true }, { useRslora: true, r: 2 }]],
  ['on different layers', [{ targetModules: ['q_proj', 'up_proj'] }, { targetModules: ['v_proj', 'q_proj'], layersToTransform: [0, 2] }]],
  [
    'named by expressions and lists',
    [{ targetModules: '.*[qk]_proj' }, { targetModules: ['v_proj'], excludeModules: ['layers.1.self_attn.v_proj'] }],
  ],
  ['three', [{}, { r: 2 }, { targetModules: ['o_proj'] }]],
])('adapters %s', (_, options) => {
  const names = ['one', 'two', 'three'].slice(0, options.length);
  const weights = [0.7, -1.3, 2].slice(0, options.length);

  test.each(['cat', 'svd'] as const)('combine by %s to the weighted sum of their updates', (combinationType) => {
    const peft = several(...options);
    const svdRank = combinationType === 'svd' ? 8 : undefined;
    peft.addWeightedAdapter({ adapters: names, weights, adapterName: 'mix', combinationType, ...(svdRank && { svdRank }) });
    expect(largestError(updates(peft, 'mix'), weightedSum(peft, names, weights))).toBeLessThan(1e-5);
    expect(peft.activeAdapters).toEqual(['one']);
  });

  test('act combined as they do together', () => {
    const peft = several(...options);
    peft.addWeightedAdapter({ adapters: names, weights: names.map(() => 1), adapterName: 'mix', combinationType: 'cat' });
    peft.setAdapter(names);
    const together = peft.forward(IDS);
    peft.setAdapter('mix');
    expect(relativeError(peft.forward(IDS), together)).toBeLessThan(1e-4);
  });
});

test('linear is wrong by its cross terms, cat is not', () => {
  const peft = several({}, {});
  const sum = weightedSum(peft, ['one', 'two'], [0.5, 0.5]);
  const error = (combinationType: CombinationType) => {
    peft.addWeightedAdapter({ adapters: ['one', 'two'], weights: [0.5, 0.5], adapterName: combinationType, combinationType });
    return largestError(updates(peft, combinationType), sum);
  };
  expect(error('cat')).toBeLessThan(1e-6);
  expect(error('linear')).toBeGreaterThan(0.3);
});

test('one adapter alone is scaled exactly, whatever the way', () => {
  const peft = several({}, {});
  peft.addWeightedAdapter({ adapters: ['one'], weights: [-2], adapterName: 'minus', combinationType: 'ties' });
  expect(largestError(updates(peft, 'minus'), weightedSum(peft, ['one'], [-2]))).toBeLessThan(1e-6);
});

test.each<[CombinationType, string[], object, string]>([
  ['cat', ['one', 'two'], { svdRank: 2, density: 0.5 }, 'svdRank and density have no effect where adapters are combined by cat'],
  [
    'svd',
    ['one', 'two'],
    { svdRank: 2, majoritySignMethod: 'total' },
    'majoritySignMethod has no effect where adapters are combined by svd',
  ],
  ['dare_ties', ['one', 'two'], { density: 0.5, majoritySignMethod: 'total', seed: 1 }, ''],
  ['ties_svd', ['one', 'two'], { density: 0.5, majoritySignMethod: 'total', svdRank: 2 }, ''],
  ['ties', ['one'], { density: 0.5 }, 'density has no effect where one adapter is only scaled'],
  ['svd', ['one'], { svdRank: 1 }, 'svdRank has no effect where one adapter is only scaled'],
])('combining by %s of %j names the options of %j that do nothing', (combinationType, adapters, options, message) => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const peft = several({}, {});
  peft.addWeightedAdapter({ adapters, weights: adapters.map(() => 1), adapterName: 'mix', combinationType, ...options });
  expect(warned.mock.calls.flat()).toEqual(message ? [`addWeightedAdapter: ${message}`] : []);
  warned.mockRestore();
});

test('svd is the best approximation of its rank', () => {
  const peft = several({}, {});
  const sum = weightedSum(peft, ['one', 'two'], [1, 1]);
  const distance = (name: string) =>
    Math.hypot(
      ...Array.from(
        updates(peft, name),
        ([path, delta]) =>
          delta
            .sub(sum.get(path) as tf.Tensor)
            .norm()
            .dataSync()[0] ?? 0,
      ),
    );
  peft.addWeightedAdapter({ adapters: ['one', 'two'], weights: [1, 1], adapterName: 'best', svdRank: 2 });
  const best = distance('best');
  const factors = [...peft.adapterTensors('best').values()].map(({ variable }) => variable);
  for (let seed = 1; seed <= 5; seed++) {
    const kept = factors.map((variable) => variable.clone());
    for (const [index, variable] of factors.entries()) {
      tf.tidy(() => variable.assign(variable.add(tf.randomNormal(variable.shape, 0, 0.01, 'float32', seed * 100 + index))));
    }
    expect(distance('best')).toBeGreaterThan(best);
    for (const [index, variable] of factors.entries()) variable.assign(kept[index] as tf.Tensor);
  }
});

describe.each(['dare_linear', 'dare_ties', 'dare_linear_svd', 'dare_ties_svd'] as const)('%s', (combinationType) => {
  const mixed = (seed: number, density = 0.5) => {
    const peft = several({}, {});
    peft.addWeightedAdapter({ adapters: ['one', 'two'], weights: [1, 0.5], adapterName: 'mix', combinationType, density, seed });
    peft.setAdapter('mix');
    return peft.forward(IDS);
  };

  test('repeats under a seed, and differs under another', () => {
    expect(largestDifference(mixed(1), mixed(1))).toBe(0);
    expect(largestDifference(mixed(1), mixed(2))).toBeGreaterThan(0.01);
  });

  test('keeps everything at density 1', () => {
    const peft = several({}, {});
    const plain = combinationType.replace('dare_', '').replace('linear_svd', 'svd') as CombinationType;
    const density = plain.startsWith('ties') ? { density: 1 } : {};
    peft.addWeightedAdapter({ adapters: ['one', 'two'], weights: [1, 0.5], adapterName: 'mix', combinationType: plain, ...density });
    peft.setAdapter('mix');
    expect(relativeError(mixed(3, 1), peft.forward(IDS))).toBeLessThan(1e-4);
  });
});

test('dare_linear drops the share 1 − density and keeps the expectation', () => {
  const peft = several({}, {});
  const one = [...peft.adapterTensors('one').values()].map(({ variable }) => variable);
  for (const variable of one) tf.tidy(() => variable.assign(tf.ones(variable.shape)));
  peft.addWeightedAdapter({
    adapters: ['one', 'two'],
    weights: [3, 0],
    adapterName: 'mix',
    combinationType: 'dare_linear',
    density: 0.25,
    seed: 5,
  });
  const values = [...peft.adapterTensors('mix').values()].flatMap(({ variable }) => [...variable.dataSync<'float32'>()]);
  const rounded = new Set(values.map((value) => value.toFixed(4)));
  expect(rounded).toEqual(new Set(['0.0000', (4 * Math.sqrt(8)).toFixed(4)])); // 1/density times √(w·s), w·s = 3·8/3
});

test('the combination is trained and saved as any other adapter', () => {
  const peft = several({}, { r: 2 });
  peft.addWeightedAdapter({ adapters: ['one', 'two'], weights: [1, 1], adapterName: 'mix', combinationType: 'cat' });
  peft.setAdapter('mix');
  const parameters = peft.trainableParameters();
  expect(parameters.size).toBe(12);
  const { grads } = tf.variableGrads(() => peft.loss(IDS, LABELS), [...parameters.values()]);
  for (const variable of parameters.values()) expect(grads[variable.name]?.abs().max().dataSync()[0]).toBeGreaterThan(0);
  expect(peft.peftConfig.mix).toMatchObject({ r: 5, loraAlpha: 5, targetModules: ['q_proj', 'v_proj'], useRslora: false });
});

test('what does not go together is refused, and nothing is added', () => {
  const peft = several({}, { r: 2 });
  const numTensors = tf.memory().numTensors;
  const add = (options: object) => () =>
    peft.addWeightedAdapter({ adapters: ['one', 'two'], weights: [1, 1], adapterName: 'mix', combinationType: 'cat', ...options });
  expect(add({ combinationType: 'linear' })).toThrow('the ranks 3, 2 must be the same');
  expect(add({ weights: [1] })).toThrow('2 adapters and 1 weights');
  expect(add({ weights: [1, Number.NaN] })).toThrow('not all finite');
  expect(add({ adapters: [], weights: [] })).toThrow(ArgumentError);
  expect(add({ adapters: ['one', 'three'] })).toThrow(StateError);
  expect(add({ adapterName: 'two' })).toThrow(StateError);
  expect(add({ adapterName: '../two' })).toThrow(ArgumentError);
  for (const combinationType of ['sum', 'linear_svd']) {
    expect(add({ combinationType })).toRefuse(ArgumentError, `combinationType "${combinationType}" is none of "cat", "svd", "linear"`);
    expect(add({ adapters: ['one'], weights: [1], combinationType })).toRefuse(ArgumentError, 'combinationType');
  }
  for (const density of [undefined, -0.1, 1.1, Number.NaN]) {
    expect(add({ combinationType: 'ties_svd', density })).toThrow('combining by ties needs a density in 0 ≤ d ≤ 1');
  }
  expect(add({ combinationType: 'dare_linear_svd', density: 0 })).toThrow('0 < d ≤ 1');
  expect(Object.keys(peft.peftConfig)).toEqual(['one', 'two']);
  expect(tf.memory().numTensors).toBe(numTensors);
  peft.mergeAdapter();
  expect(add({})).toThrow(StateError);
  for (const more of [{ useDora: true }, { modulesToSave: ['lm_head'] }, { bias: 'all' }, { initLoraWeights: 'olora' }] as const) {
    const other = several(more, {});
    expect(() => other.addWeightedAdapter({ adapters: ['one', 'two'], weights: [1, 1], adapterName: 'mix' })).toThrow(UnsupportedError);
  }
});
