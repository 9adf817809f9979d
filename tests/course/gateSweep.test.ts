import { type CausalSelfAttention, LlamaForCausalLM, tf, ZeroInitPrefixAttention } from 'lowrank';
import { gateSweep, mostSpreadHead, norm, SourcePrefixAttention } from 'lowrank-course';
import { expect, test } from 'vitest';

const sizes = { vocabSize: 20, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 2, numAttentionHeads: 2, numKeyValueHeads: 1 };
const model = LlamaForCausalLM.fromConfig({ ...sizes, initializerRange: 0.3 }, { seed: 1 });
const read = { model, ids: [3, 1, 4, 15, 9], layer: 1 };
const own = model.model.layers[1]?.selfAttn as CausalSelfAttention;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const at = (sweep: ReturnType<typeof gateSweep>, wanted: number) => sweep.points.find(({ gate }) => gate === wanted)?.distance;

test('a gate after its own softmax starts at the base, and takes nothing from the tokens', () => {
  const sweep = gateSweep(read, new ZeroInitPrefixAttention(own, { adapterLen: 3, seed: 1 }), 0);
  expect(sweep.points).toHaveLength(21);
  expect(at(sweep, 0)).toBe(0);
  expect(at(sweep, 1)).toBeGreaterThan(0);
  expect(sweep.row).toHaveLength(3 + read.ids.length);
  expect(sum(sweep.row.slice(0, 3))).toBeCloseTo(1, 5); // the gate is 1
  expect(sum(sweep.row.slice(3))).toBeCloseTo(1, 5);
});

test('one softmax moves the model at every gate, and its row is shared', () => {
  const sweep = gateSweep(read, new SourcePrefixAttention(own, { adapterLen: 3, seed: 1 }), 0);
  expect(Math.min(...sweep.points.map(({ distance }) => distance))).toBeGreaterThan(0);
  expect(sum(sweep.row)).toBeCloseTo(1, 5);
});

test('the model is the base again, and no tensor stays', () => {
  const prefix = new ZeroInitPrefixAttention(own, { adapterLen: 3, seed: 1 });
  const before = tf.tidy(() => norm(model.forward([[...read.ids]])));
  const { numTensors } = tf.memory();
  gateSweep(read, prefix, 0);
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(model.model.layers[1]?.selfAttn).toBe(own);
  expect(tf.tidy(() => norm(model.forward([[...read.ids]])))).toBe(before);
});

test('the head that spreads its attention most has the smallest largest weight', () => {
  const rows = tf.tidy(() =>
    model
      .attentions([[...read.ids]])[1]
      ?.slice([0, 0, 4, 0], [1, 2, 1, 5])
      .squeeze([0, 2])
      .arraySync(),
  ) as number[][];
  const peaks = rows.map((row) => Math.max(...row));
  expect(peaks[0]).not.toBeCloseTo(peaks[1] ?? 0, 5);
  expect(mostSpreadHead(read)).toBe(peaks.indexOf(Math.min(...peaks)));
});
