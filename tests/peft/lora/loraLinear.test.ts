import fc from 'fast-check';
import { ArgumentError, Linear, LoraConfig, LoraLinear, type LoraOptions, NotFiniteError, tf } from 'lowrank';
import { describe, expect, test, vi } from 'vitest';
import { AdapterState } from '../../../lib/lowrank/src/peft/layers/adapterState';

const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

function linear(inFeatures: number, outFeatures: number, { hasBias = false } = {}): Linear {
  const weight = tf.tidy(() => tf.variable(random([inFeatures, outFeatures], 1).div(4)));
  return new Linear(weight, hasBias ? tf.variable(random([outFeatures], 2)) : undefined);
}

/** A layer whose B is not 0, so that its update shows. */
function adapted(options: LoraOptions = {}, { hasBias = false } = {}): LoraLinear {
  const layer = new LoraLinear(linear(6, 5, { hasBias }), { r: 3, loraAlpha: 6, ...options }, { seed: 4 });
  tf.tidy(() => layer.loraB.assign(random([3, 5], 3)));
  return layer;
}

function largestDifference(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => a.sub(b).abs().max().dataSync()[0] ?? Number.NaN);
}

/** The gradients of Σ sin(y), by variable. */
function gradients(layer: LoraLinear, x: tf.Tensor): Map<tf.Variable, tf.Tensor> {
  const { grads } = tf.variableGrads(() => layer.forward(x).sin().sum(), [layer.loraA, layer.loraB]);
  return new Map([layer.loraA, layer.loraB].map((variable) => [variable, grads[variable.name] as tf.Tensor]));
}

test('with B at zero the layer is its base, exactly', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
      (i, o, rows) => {
        const base = linear(i, o);
        const layer = new LoraLinear(base, { r: 1 });
        const x = random([...rows, i], 5);
        const y = layer.forward(x);
        expect(y.shape).toEqual([...rows, o]);
        expect(largestDifference(y, base.forward(x))).toBe(0);
      },
    ),
    { numRuns: 30 },
  );
});

test('the update is α/r times x·A·B', () => {
  const layer = adapted({ loraAlpha: 12 });
  const x = random([2, 4, 6], 5);
  const update = tf.matMul(tf.matMul(x.reshape([8, 6]), layer.loraA as tf.Tensor2D), layer.loraB as tf.Tensor2D).mul(4);
  expect(layer.scaling).toBe(4);
  expect(largestDifference(layer.forward(x), layer.baseLayer.forward(x).add(update.reshape([2, 4, 5])))).toBeLessThan(1e-5);
  expect(adapted({ loraAlpha: 12, useRslora: true }).scaling).toBeCloseTo(12 / Math.sqrt(3), 12);
});

test("A starts within torch's bound 1/√I, evenly, and repeats under a seed", () => {
  const start = (seed: number) => new LoraLinear(linear(400, 100), { r: 50 }, { seed }).loraA;
  const values = start(1).dataSync<'float32'>();
  expect(Math.max(...values)).toBeLessThanOrEqual(1 / 20);
  expect(Math.min(...values)).toBeGreaterThanOrEqual(-1 / 20);
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  expect(deviation).toBeCloseTo(1 / 20 / Math.sqrt(3), 3);
  expect(start(1).dataSync()).toEqual(values);
  expect(start(2).dataSync()).not.toEqual(values);
});

test("'gaussian' draws A from N(0, 1/r²) and keeps B at zero", () => {
  const layer = new LoraLinear(linear(400, 100), { r: 4, initLoraWeights: 'gaussian' });
  const values = layer.loraA.dataSync<'float32'>();
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
  expect(deviation).toBeCloseTo(1 / 4, 1);
  expect(layer.loraB.abs().max().dataSync()[0]).toBe(0);
});

describe.each(['pissa', 'olora'] as const)('the start %s', (initLoraWeights) => {
  test('moves part of the weight into A and B and leaves the output as it was', () => {
    const base = linear(6, 5);
    const before = base.weight.clone();
    const x = random([3, 6], 5);
    const expected = base.forward(x);
    const layer = new LoraLinear(base, { r: 3, loraAlpha: 6, initLoraWeights });
    expect(largestDifference(base.weight, before)).toBeGreaterThan(0.01);
    expect(largestDifference(layer.forward(x), expected)).toBeLessThan(1e-5);
  });
});

test.each([{ loraAlpha: 0 }, { loraAlpha: -4 }, { alphaPattern: { q_proj: 0 } }])(
  'the start pissa needs a scale above 0, the root of whose inverse it takes: not %j',
  (alpha) => {
    expect(() => new LoraConfig({ r: 2, initLoraWeights: 'pissa', ...alpha })).toRefuse(ArgumentError, /loraAlpha .*must be above 0/);
    expect(() => new LoraConfig({ r: 2, initLoraWeights: 'olora', ...alpha })).not.toThrow();
  },
);

test('at the start A has no gradient at all, and B has one', () => {
  const layer = new LoraLinear(linear(6, 5), { r: 3 });
  const grads = gradients(layer, random([2, 4, 6], 5));
  expect(grads.get(layer.loraA)?.abs().max().dataSync()[0]).toBe(0);
  expect(grads.get(layer.loraB)?.abs().max().dataSync()[0]).toBeGreaterThan(0.01);
});

test('only A and B are trainable', () => {
  const layer = adapted({}, { hasBias: true });
  expect([...layer.trainableParameters()].map(([name]) => name)).toEqual(['lora_A.default.weight', 'lora_B.default.weight']);
  expect([...layer.namedParameters()].map(([name]) => name)).toEqual([
    'lora_A.default.weight',
    'lora_B.default.weight',
    'base_layer.weight',
    'base_layer.bias',
  ]);
});

test('gradients agree with finite differences', () => {
  const layer = adapted({}, { hasBias: true });
  const x = random([2, 3, 6], 5);
  const value = () => tf.tidy(() => layer.forward(x).sin().sum().dataSync()[0] ?? Number.NaN);
  const grads = gradients(layer, x);
  for (const variable of [layer.loraA, layer.loraB]) {
    const values = variable.dataSync().slice();
    for (const index of [0, 7, values.length - 1]) {
      const shifted = (step: number) => {
        const moved = values.slice();
        moved[index] = (moved[index] ?? 0) + step;
        tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
        return value();
      };
      const quotient = (shifted(1e-2) - shifted(-1e-2)) / 2e-2;
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
      expect(grads.get(variable)?.dataSync()[index]).toBeCloseTo(quotient, 2);
    }
  }
});

describe.each<LoraOptions>([{}, { useDora: true }, { useRslora: true }, { loraDropout: 0.5 }])('merging with %o', (options) => {
  test('gives the unmerged output, and unmerging the base, bit by bit', () => {
    const layer = adapted(options, { hasBias: true });
    const x = random([2, 4, 6], 5);
    const before = layer.baseWeight().read().dataSync().slice();
    const unmerged = layer.forward(x);
    layer.merge();
    expect(layer.mergedAdapters).toEqual(['default']);
    expect(layer.baseWeight().read().dataSync()).not.toEqual(before);
    expect(largestDifference(layer.forward(x), unmerged)).toBeLessThan(1e-5);
    layer.unmerge();
    expect(layer.baseWeight().read().dataSync()).toEqual(before);
    expect(largestDifference(layer.forward(x), unmerged)).toBe(0);
  });
});

test('adapters of one shape merge together, each at its own scale, and the merge leaves no tensors behind', () => {
  const layer = adapted();
  layer.addAdapter('other', { r: 3, loraAlpha: 15 }, { seed: 7 });
  tf.tidy(() => layer.updates.get('other')?.loraB.assign(random([3, 5], 8)));
  const expected = tf.tidy(() =>
    [...layer.updates.values()].reduce((sum, update) => sum.add(update.product()), layer.baseWeight().read().clone()),
  );
  layer.merge(['default', 'other']);
  expect(largestDifference(layer.baseWeight().read(), expected)).toBeLessThan(1e-5);
  layer.unmerge();
  const { numTensors } = tf.memory();
  layer.merge(['default', 'other']);
  layer.unmerge();
  expect(tf.memory().numTensors).toBe(numTensors);
  layer.merge(['other']);
  expect(largestDifference(layer.baseWeight().read(), expected)).toBeGreaterThan(0.01);
});

test('merging twice, or unmerging what is not merged, warns and does nothing', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const layer = adapted();
  layer.unmerge();
  layer.merge();
  const once = layer.baseWeight().read().dataSync().slice();
  layer.merge();
  expect(layer.baseWeight().read().dataSync()).toEqual(once);
  expect(warn.mock.calls.map(([message]) => message)).toEqual([
    'nothing is merged: unmerge() does nothing',
    'already merged: default; call unmerge() before merging again',
  ]);
  warn.mockRestore();
});

test('a safe merge of values that are not finite is refused and changes nothing', () => {
  const layer = adapted();
  tf.tidy(() => layer.loraB.assign(tf.fill([3, 5], Number.NaN)));
  const before = layer.baseWeight().read().dataSync().slice();
  expect(() => layer.merge(['default'], { safeMerge: true })).toThrow(NotFiniteError);
  expect(layer.baseWeight().read().dataSync()).toEqual(before);
  expect(layer.mergedAdapters).toEqual([]);
});

test('dropout acts in training mode alone, differs from step to step, and repeats under a seed', () => {
  const state = new AdapterState();
  const layer = new LoraLinear(linear(6, 5), { r: 3, loraAlpha: 6, loraDropout: 0.5, initLoraWeights: false }, { state, seed: 4 });
  const x = random([40, 6], 5);
  const step = () => {
    state.nextStep();
    return [...layer.forward(x).dataSync()];
  };
  const steps = () => [step(), step()];
  const [plain, again] = steps();
  expect(again).toEqual(plain);
  state.isTraining = true;
  const [first, second] = steps();
  expect(first).not.toEqual(plain);
  expect(second).not.toEqual(first);
  state.dispose();
  expect(steps()).toEqual([first, second]);
});

test('dropout keeps the share 1 − p and scales it by 1/(1 − p)', () => {
  const state = new AdapterState();
  const values = state.dropoutMask([20_000], 0.2, tf.scalar(3, 'int32')).dataSync();
  expect(new Set(values)).toEqual(new Set([0, 1.25]));
  expect(values.filter((value) => value > 0).length / values.length).toBeCloseTo(0.8, 1);
  expect(state.dropoutMask([20_000], 0.2, tf.scalar(4, 'int32')).dataSync()).not.toEqual(values);
  state.dispose();
});

test('a rank out of range is refused with the range', () => {
  expect(() => new LoraLinear(linear(6, 5), { r: 6 })).toThrow(new ArgumentError('rank 6 is not in 1…5, the ranks of a (6, 5) weight'));
  expect(() => new LoraLinear(linear(6, 5), { r: 0 })).toThrow('rank 0 is not a whole number from 1 up');
  expect(() => new LoraLinear(linear(6, 5), { r: 2, loraDropout: 1 })).toThrow('loraDropout 1 is not in 0 ≤ p < 1');
});

test('nothing leaks', () => {
  const base = linear(6, 5);
  const x = random([2, 6], 5);
  const before = tf.memory().numTensors;
  const layer = new LoraLinear(base, { r: 3, loraDropout: 0.1, useDora: true, initLoraWeights: 'pissa' });
  layer.state.isTraining = true;
  layer.state.nextStep();
  layer.forward(x).dispose();
  layer.merge();
  layer.unmerge();
  layer.merge();
  layer.dispose();
  layer.state.dispose();
  expect(tf.memory().numTensors).toBe(before - 1); // the base's weight went with the layer
});
