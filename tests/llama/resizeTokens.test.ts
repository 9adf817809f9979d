import { ArgumentError, getPeftModel, LlamaForCausalLM, LoraConfig, tf, UnsupportedError } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { castModel } from '../../lib/lowrank/src/nn';
import { temporaryFolder } from '../io/temporaryFolder';

const SIZES = { vocabSize: 40, hiddenSize: 16, intermediateSize: 24, numHiddenLayers: 1, numAttentionHeads: 2, initializerRange: 0.3 };
const IDS = [[1, 5, 9, 3]];
const folder = temporaryFolder();

describe.each([true, false])('tied: %s. A resized model', (tieWordEmbeddings) => {
  const model = () => LlamaForCausalLM.fromConfig({ ...SIZES, tieWordEmbeddings }, { seed: 3 });

  test('has the old logits, new rows that are the mean of the old, and no tensor too many', () => {
    const resized = model();
    const before = resized.forward(IDS);
    const table = resized.model.embedTokens.weight as tf.Variable;
    const mean = table.mean(0);
    const { numTensors } = tf.memory();
    resized.resizeTokenEmbeddings(43, { seed: 1 });
    expect(tf.memory().numTensors).toBe(numTensors);
    expect(resized.config.vocabSize).toBe(43);
    const logits = resized.forward(IDS);
    expect(logits.shape).toEqual([1, 4, 43]);
    const largest = (a: tf.Tensor) => a.abs().max().dataSync()[0];
    expect(largest(logits.slice([0, 0, 0], [1, 4, 40]).sub(before))).toBeLessThan(1e-5);
    const added = (resized.model.embedTokens.weight as tf.Variable).slice([40, 0], [3, 16]);
    expect(largest(added.sub(mean))).toBeLessThan(1e-3);
    expect(largest(added.sub(mean))).toBeGreaterThan(0);
    const again = model();
    again.resizeTokenEmbeddings(43, { seed: 1 });
    expect(again.forward(IDS).dataSync()).toEqual(logits.dataSync());
  });

  test('generates, is saved and loaded, shrinks again, and refuses ids beyond its vocabulary', async () => {
    const resized = model();
    const before = resized.forward(IDS);
    expect(() => resized.forward([[42]])).toThrow(ArgumentError);
    resized.resizeTokenEmbeddings(43);
    expect((await resized.generate([[42, 41]], { maxNewTokens: 2 }))[0]).toHaveLength(2);
    expect(() => resized.forward([[43]])).toThrow('0…42');
    resized.savePretrained(folder(`resized ${tieWordEmbeddings}`));
    const again = await LlamaForCausalLM.fromPretrained(folder(`resized ${tieWordEmbeddings}`));
    expect(again.config).toEqual(resized.config);
    expect(again.forward([[42, 1]]).dataSync()).toEqual(resized.forward([[42, 1]]).dataSync());
    resized.resizeTokenEmbeddings(40);
    expect(resized.forward(IDS).dataSync()).toEqual(before.dataSync());
  });

  test('trains its new tokens', () => {
    const resized = model();
    resized.resizeTokenEmbeddings(42);
    const peft = getPeftModel(resized, new LoraConfig({ r: 2, trainableTokenIndices: [40, 41] }));
    expect(peft.loss([[1, 40, 41]], [[1, 40, 41]]).dataSync()[0]).toBeGreaterThan(0);
    expect(() => resized.resizeTokenEmbeddings(50)).toThrow(UnsupportedError);
    expect(resized.config.vocabSize).toBe(42);
  });

  test('is refused while it is kept packed, and for sizes that are none', () => {
    const packed = model();
    for (const size of [0, -1, 1.5]) expect(() => packed.resizeTokenEmbeddings(size)).toThrow(ArgumentError);
    castModel(packed, 'bfloat16');
    expect(() => packed.resizeTokenEmbeddings(50)).toThrow("dtype 'float32'");
  });
});

test('the pad token stays the one without a gradient, in any storage, and is none beyond the vocabulary, as in transformers', () => {
  const model = LlamaForCausalLM.fromConfig({ ...SIZES, padTokenId: 39 });
  const padding = () => model.model.embedTokens.paddingIdx;
  castModel(model, 'bfloat16');
  expect(padding()).toBe(39);
  castModel(model, 'float32');
  expect(padding()).toBe(39);
  model.resizeTokenEmbeddings(40);
  expect(padding()).toBe(39);
  model.resizeTokenEmbeddings(39);
  expect(padding()).toBeUndefined();
  expect(LlamaForCausalLM.fromConfig({ ...SIZES, padTokenId: 40 }).model.embedTokens.paddingIdx).toBeUndefined();
});
