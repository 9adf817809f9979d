import { Linear, LoraLinear, type LoraOptions, NotFiniteError, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { mergeLayers, unmergeLayers } from '../../../lib/lowrank/src/peft/merge/mergeLayers';

const random = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

/** A layer under adapters of these names whose A and B are not 0. */
function layer(seed: number, names: readonly string[], options: LoraOptions = {}): LoraLinear {
  const made = new LoraLinear(new Linear(tf.tidy(() => tf.variable(random([6, 5], seed)))));
  for (const [index, name] of names.entries()) {
    made.addAdapter(name, { r: 2 + index, loraAlpha: 5, initLoraWeights: false, ...options }, { seed: seed + index });
  }
  return made;
}

const weights = (layers: readonly LoraLinear[]) => layers.map((one) => one.baseWeight().read().dataSync<'float32'>().slice());

/** `W + Σ s·A·B`, in 64 bits. */
function expected(one: LoraLinear, names: readonly string[]): number[] {
  const values = [...one.baseWeight().read().dataSync<'float32'>()];
  for (const name of names) {
    const update = one.updates.get(name);
    if (!update) continue;
    const [a, b] = [update.loraA.dataSync<'float32'>(), update.loraB.dataSync<'float32'>()];
    for (let i = 0; i < 6; i++) {
      for (let o = 0; o < 5; o++) {
        for (let k = 0; k < update.r; k++) {
          values[i * 5 + o] = (values[i * 5 + o] ?? 0) + update.scaling * (a[i * update.r + k] ?? 0) * (b[k * 5 + o] ?? 0);
        }
      }
    }
  }
  return values;
}

test('each layer gets the updates that it has of those named, however many layers there are, and its own weight back', () => {
  const all = ['one', 'two', 'three'];
  const layers = Array.from({ length: 40 }, (_, index) => layer(100 + 10 * index, all.slice(index % 3)));
  const names = ['one', 'three'];
  const before = weights(layers);
  const sums = layers.map((one) => expected(one, names));
  const tensors = tf.memory().numTensors;
  mergeLayers(layers, names);
  for (const [index, merged] of weights(layers).entries()) {
    const gap = Math.max(...merged.map((value, place) => Math.abs(value - (sums[index]?.[place] ?? Number.NaN))));
    expect(gap).toBeLessThan(1e-5);
  }
  expect(layers.slice(0, 3).map(({ mergedAdapters }) => mergedAdapters)).toEqual([['one', 'three'], ['three'], ['three']]);
  unmergeLayers(layers);
  expect(weights(layers)).toEqual(before);
  expect(tf.memory().numTensors).toBe(tensors);
});

test('a layer with none of the adapters stays as it is, unmerged', () => {
  const layers = [layer(1, ['one']), layer(2, ['other'])];
  const [, before] = weights(layers);
  mergeLayers(layers, ['one']);
  expect(layers[1]?.mergedAdapters).toEqual([]);
  expect(weights(layers)[1]).toEqual(before);
});

test('layers of DoRA merge as many at a time, each as it merges alone', () => {
  const together = [1, 2, 3].map((seed) => layer(seed, ['one'], { useDora: true }));
  const alone = [1, 2, 3].map((seed) => layer(seed, ['one'], { useDora: true }));
  for (const one of [...together, ...alone]) tf.tidy(() => one.updates.get('one')?.magnitude?.assign(random([5], 9)));
  mergeLayers(together, ['one']);
  for (const one of alone) one.merge(['one']);
  expect(weights(together)).toEqual(weights(alone));
  const [scale] = tf.tidy(() => together.map((one) => one.baseWeight().read().square().sum(0).sqrt().dataSync<'float32'>()));
  expect(scale?.[0]).toBeCloseTo(Math.abs(random([5], 9).dataSync()[0] ?? 0), 5); // the magnitude is the merged weight's length
});

test('where one of many is not finite, a safe merge leaves all as they were', () => {
  const layers = Array.from({ length: 20 }, (_, index) => layer(index, ['one']));
  tf.tidy(() => layers[18]?.updates.get('one')?.loraB.assign(tf.fill([2, 5], Number.NaN)));
  const before = weights(layers);
  const tensors = tf.memory().numTensors;
  expect(() => mergeLayers(layers, ['one'], { safeMerge: true })).toThrow(NotFiniteError);
  expect(weights(layers)).toEqual(before);
  expect(layers.flatMap(({ mergedAdapters }) => mergedAdapters)).toEqual([]);
  expect(tf.memory().numTensors).toBe(tensors);
});
