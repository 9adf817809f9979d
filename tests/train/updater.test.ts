import { type Batch, LlamaForCausalLM, tf, train } from 'lowrank';
import { expect, test } from 'vitest';
import { definedFunctions } from '../runtime/compile/bindingSpies';

test('rows of one width, with any number of labels, take three compiled steps and three evaluations', async () => {
  const before = tf.memory().numTensors;
  const sizes = { vocabSize: 20, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 2 };
  const model = LlamaForCausalLM.fromConfig({ ...sizes, initializerRange: 0.3 });
  const inputIds = Array.from({ length: 4 }, (_, r) => Array.from({ length: 64 }, (__, t) => (r + 3 * t) % 20));
  const batches: Batch[] = Array.from({ length: 30 }, (_, i) => ({
    inputIds,
    labels: inputIds.map((row) => row.map((id, t) => (t < 62 - 2 * i ? -100 : id))),
  }));
  const names = await definedFunctions(() => train(model, batches, { evaluation: { batches } }));
  for (const name of ['training_step', 'evaluation']) {
    expect(names.filter((each) => each === name).length).toBe(3); // 64 positions, 128, and all of the 256
  }
  model.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
