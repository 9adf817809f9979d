import {
  AdaptionPromptConfig,
  convertPrefix,
  FormatError,
  type GateKind,
  getPeftModel,
  type PeftModel,
  type PrefixLayout,
  peftModelFromPrefix,
  ShapeError,
  tf,
  UnsupportedError,
} from 'lowrank';
import { describe, expect, test } from 'vitest';
import { GATE_OF_LAYOUT, withGate, writeLayout } from '../../../lib/lowrank/src/peft/adaptionPrompt/prefixLayouts';
import { fill, IDS, relativeError, tinyModel } from '../tinyModel';

const SIZES = { numHiddenLayers: 3, numAttentionHeads: 4, adapterLayers: 2 };
const LAYOUTS: [PrefixLayout, GateKind][] = [
  ['huggingface', 'scalar'],
  ['opengvlab', 'perHeadTanh'],
  ['lit', 'perHead'],
];

/** A prefix that shows, with gates in −1 < g < 1. */
function prefix(gate: GateKind): PeftModel {
  const peft = getPeftModel(tinyModel(), new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: 2, gate }));
  fill(peft.trainableParameters().values());
  for (const [name, variable] of peft.trainableParameters()) {
    if (name.endsWith('gate')) tf.tidy(() => variable.assign(tf.linspace(0.6, -0.4, variable.size).reshape(variable.shape)));
  }
  return peft;
}

/** The model's prefix as tensors of a layout. */
function prefixTensors(peft: PeftModel, { layout }: { readonly layout: PrefixLayout }): tf.NamedTensorMap {
  const { adapterLayers, gate } = peft.peftConfig.default as AdaptionPromptConfig;
  const variables = [...peft.adapterTensors('default').values()].map(({ variable }) => variable);
  const layers = Array.from({ length: adapterLayers }, (_, index) => ({
    prompt: variables[2 * index] as tf.Tensor as tf.Tensor2D,
    gates: [...(variables[2 * index + 1]?.dataSync<'float32'>() ?? [])],
  }));
  return tf.tidy(() => writeLayout(layout, withGate({ gate, layers }, GATE_OF_LAYOUT[layout], peft.config), peft.config));
}

describe.each(LAYOUTS)('the layout %s', (layout, gate) => {
  test('keeps a prefix, bit by bit', () => {
    const peft = prefix(gate);
    const stored = prefixTensors(peft, { layout });
    const loaded = peftModelFromPrefix(tinyModel(), stored, { layout, adapterLayers: 2 });
    expect(relativeError(loaded.forward(IDS), tinyModel().forward(IDS))).toBeGreaterThan(0.01);
    expect(loaded.forward(IDS).dataSync()).toEqual(peft.forward(IDS).dataSync());
    expect(loaded.trainableParameters().size).toBe(0);
  });

  test.each(LAYOUTS)('takes the one of %s where nothing is lost', (from) => {
    const peft = prefix('scalar'); // one gate for all heads, below 1: every layout holds it
    const stored = prefixTensors(peft, { layout: from });
    const converted = convertPrefix(stored, { from, to: layout, ...SIZES });
    const loaded = peftModelFromPrefix(tinyModel(), converted, { layout, adapterLayers: 2 });
    expect(relativeError(loaded.forward(IDS), peft.forward(IDS))).toBeLessThan(1e-5);
  });

  test('leaves no tensors behind', () => {
    const stored = prefixTensors(prefix(gate), { layout });
    const before = tf.memory().numTensors;
    tf.dispose(convertPrefix(stored, { from: layout, to: layout, ...SIZES }));
    expect(() => convertPrefix({ ...stored, more: tf.scalar(1) }, { from: layout, to: layout, ...SIZES })).toThrow(FormatError);
    expect(tf.memory().numTensors).toBe(before + 1);
  });
});

test('gates per head that differ go between OpenGVLab and lit', () => {
  const peft = prefix('perHeadTanh');
  const converted = convertPrefix(prefixTensors(peft, { layout: 'opengvlab' }), { from: 'opengvlab', to: 'lit', ...SIZES });
  expect(converted['transformer.h.2.attn.gating_factor']?.shape).toEqual([1, 4, 1, 1]);
  expect(converted['transformer.h.2.attn.gating_factor']?.dataSync()[0]).toBeCloseTo(Math.tanh(0.6), 6);
  const loaded = peftModelFromPrefix(tinyModel(), converted, { layout: 'lit' });
  expect(relativeError(loaded.forward(IDS), peft.forward(IDS))).toBeLessThan(1e-5);
});

test("OpenGVLab's table holds the prompts from the lowest layer up, and a gate of no effect is on every layer below", () => {
  const peft = prefix('perHeadTanh');
  const stored = prefixTensors(peft, { layout: 'opengvlab' });
  expect(Object.keys(stored).sort()).toEqual(['adapter_query.weight', ...[0, 1, 2].map((n) => `layers.${n}.attention.gate`)]);
  const [lowest] = peft.adapterTensors('default').values();
  expect(stored['adapter_query.weight']?.slice([0, 0], [3, 16]).dataSync()).toEqual(lowest?.variable.dataSync());
  expect([...(stored['layers.0.attention.gate']?.dataSync() ?? [])]).toEqual([0, 0, 0, 0]);
});

test("reads litgpt's axis of heads, and lit-llama's early gate per layer", () => {
  const peft = prefix('scalar');
  const stored = prefixTensors(peft, { layout: 'lit' });
  const changed = (shape: number[], pick: (gate: tf.Tensor) => tf.Tensor) =>
    Object.fromEntries(Object.entries(stored).map(([name, x]) => [name, name.endsWith('factor') ? pick(x).reshape(shape) : x]));
  for (const tensors of [changed([1, 1, 4, 1], (gate) => gate), changed([1], (gate) => gate.flatten().slice(0, 1))]) {
    const loaded = peftModelFromPrefix(tinyModel(), tensors, { layout: 'lit' });
    expect(relativeError(loaded.forward(IDS), peft.forward(IDS))).toBeLessThan(1e-5);
  }
});

test('what the other layout cannot hold is refused', () => {
  expect(() => prefixTensors(prefix('perHead'), { layout: 'huggingface' })).toThrow("the heads' gates differ");
  expect(() => prefixTensors(prefix('perHeadTanh'), { layout: 'huggingface' })).toThrow(UnsupportedError);
  const wide = prefix('perHead');
  const gate = [...wide.trainableParameters()].find(([name]) => name.endsWith('gate'))?.[1];
  tf.tidy(() => gate?.assign(tf.fill(gate.shape, 1)));
  expect(() => prefixTensors(wide, { layout: 'opengvlab' })).toThrow('−1 < g < 1');
});

test('tensors of another model or layout are refused, by name', () => {
  const stored = prefixTensors(prefix('perHead'), { layout: 'lit' });
  const convert = (tensors: tf.NamedTensorMap, from: PrefixLayout = 'lit') => convertPrefix(tensors, { from, to: 'lit', ...SIZES });
  const { 'transformer.h.1.attn.adapter_wte.weight': _, ...lacking } = stored;
  expect(() => convert(lacking)).toThrow("'transformer.h.1.attn.adapter_wte.weight'");
  expect(() => convert(stored, 'huggingface')).toThrow('prefixes are on layers none');
  expect(() => convert(stored, 'opengvlab')).toThrow("'adapter_query.weight'");
  expect(() => convert({ ...stored, 'transformer.h.1.attn.gating_factor': tf.zeros([3]) })).toThrow(ShapeError);
  expect(() => convertPrefix(stored, { from: 'lit', to: 'lit', numHiddenLayers: 4, numAttentionHeads: 4 })).toThrow('the top ones of 4');
  const table = prefixTensors(prefix('perHead'), { layout: 'opengvlab' });
  expect(() => convertPrefix(table, { from: 'opengvlab', to: 'lit', numHiddenLayers: 3, numAttentionHeads: 4 })).toThrow(
    'give adapterLayers',
  );
});
