import { LlamaForCausalLM, tf } from 'lowrank';
import { lastAttention } from 'lowrank-course';
import { expect, test } from 'vitest';

const sizes = { vocabSize: 20, hiddenSize: 16, intermediateSize: 32, numHiddenLayers: 2, numAttentionHeads: 2, numKeyValueHeads: 1 };
const model = LlamaForCausalLM.fromConfig({ ...sizes, initializerRange: 0.3 }, { seed: 1 });

test('the shares of the last token are the mean over heads and layers, and sum to 1', () => {
  const ids = [3, 1, 4];
  const shares = lastAttention(model, ids);
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
  const maps = model.attentions([ids]).map((map) => map.arraySync() as number[][][][]);
  const onFirst = maps.flatMap(([heads = []]) => heads.map((rows) => rows[2]?.[0] ?? 0));
  expect(onFirst).toHaveLength(4);
  expect(shares[0]).toBeCloseTo(onFirst.reduce((sum, share) => sum + share, 0) / 4, 5);
});

test('no tensor stays', () => {
  lastAttention(model, [3, 1]);
  const { numTensors } = tf.memory();
  lastAttention(model, [3, 1, 4]);
  expect(tf.memory().numTensors).toBe(numTensors);
});
