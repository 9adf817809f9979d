import { countParameters, LlamaForCausalLM, quantizeModel, readGguf, tf, UnsupportedError } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { defaultModelPath } from '../../../lib/lowrank/src/cli/defaultModel';
import { castModel, GgufWeight, QuantizedEmbedding, QuantizedLinear, QuantizedWeight } from '../../../lib/lowrank/src/nn';
import { expectClose, goldenPath, rows, tinyModel } from '../golden';
import { expectLogitsOfTransformers } from './smollm2Logits';

function storedWeights(model: LlamaForCausalLM): Map<string, QuantizedWeight> {
  return new Map(
    [...model.namedModules()].flatMap(([path, module]) => (module instanceof QuantizedWeight ? [[path, module] as const] : [])),
  );
}

describe.each(['plain', 'tied', 'biased'] as const)('the model %s', (variant) => {
  test.each(['nf4', 'int8'] as const)('loads as %s just as it is quantised in memory', async (quantize) => {
    const model = await LlamaForCausalLM.fromPretrained(goldenPath(variant), { quantize });
    const expected = await tinyModel(variant);
    quantizeModel(expected, quantize);
    expectClose(() => [model.forward(rows.ids), expected.forward(rows.ids)], 0);
    expect(countParameters(model)).toEqual(countParameters(expected));
    expect(storedWeights(model).size).toBe(14);
  });

  test('loads as bfloat16, embedding and head included, just as it is cast in memory', async () => {
    const model = await LlamaForCausalLM.fromPretrained(goldenPath(variant), { dtype: 'bfloat16' });
    const expected = await tinyModel(variant);
    castModel(expected, 'bfloat16');
    expectClose(() => [model.forward(rows.ids), expected.forward(rows.ids)], 0);
    expect(storedWeights(model).size).toBe(variant === 'tied' ? 15 : 16);
    expect(model.model.embedTokens).toBeInstanceOf(QuantizedEmbedding);
  });
});

test('dtype holds for what quantize leaves', async () => {
  const model = await LlamaForCausalLM.fromPretrained(goldenPath('plain'), { quantize: 'nf4', dtype: 'bfloat16' });
  const formats = [...storedWeights(model)].map(([, { format }]) => format);
  expect(formats.filter((format) => format === 'nf4')).toHaveLength(14);
  expect(formats.filter((format) => format === 'bfloat16')).toHaveLength(2);
});

test('a width that is not whole blocks is refused, and nothing is kept', async () => {
  const before = tf.memory().numTensors;
  await expect(LlamaForCausalLM.fromPretrained(goldenPath('plain'), { quantize: 'q4_1' })).rejects.toThrow(UnsupportedError);
  expect(tf.memory().numTensors).toBe(before);
});

describe("SmolLM2's file", () => {
  test('keeps its own blocks with q4_1, and has the logits that transformers computes from them', async () => {
    const path = defaultModelPath();
    const model = await LlamaForCausalLM.fromPretrained(path, { quantize: 'q4_1' });
    const stored = storedWeights(model);
    expect([...stored.values()].every((weight) => weight instanceof GgufWeight)).toBe(true);
    expect(stored.get('model.embed_tokens.weight')?.format).toBe('Q8_0');
    const file = await readGguf(path);
    const down = stored.get('model.layers.3.mlp.down_proj.weight') as GgufWeight;
    expect(new Uint8Array(down.words.dataSync<'int32'>().slice().buffer)).toEqual(file.read('blk.3.ffn_down.weight'));
    const bytes = [...stored.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    const inFile = [...file.tensors.values()].reduce((sum, { type, begin, end }) => sum + (type === 'F32' ? 0 : end - begin), 0);
    expect(bytes).toBe(inFile);

    expectLogitsOfTransformers(model);
    model.dispose();
  });

  test('takes a little above 4 bits per value of its linear layers with nf4', async () => {
    const model = await LlamaForCausalLM.fromPretrained(defaultModelPath(), { quantize: 'nf4' });
    const layers = [...model.namedModules()].flatMap(([, module]) => (module instanceof QuantizedLinear ? [module.weight] : []));
    expect(layers).toHaveLength(210);
    const bits = layers.reduce((sum, { byteLength }) => sum + 8 * byteLength, 0) / layers.reduce((sum, { size }) => sum + size, 0);
    expect(bits).toBeGreaterThan(4.127);
    expect(bits).toBeLessThan(4.14);
    expect(countParameters(model).total).toBe(134_515_008);
    model.dispose();
  });
});
