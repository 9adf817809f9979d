import {
  AdaptionPromptConfig,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  LoraLinear,
  type LoraOptions,
  mergeReport,
  type PeftModel,
  quantizeModel,
  StateError,
  tf,
  UnsupportedError,
} from 'lowrank';
import { expect, test } from 'vitest';
import { roundWeight } from '../../../lib/lowrank/src/nn';
import { SMALL_SIZES } from '../../llama/smallSizes';
import { fill } from '../tinyModel';

function adapted(options: LoraOptions = {}, model = LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, initializerRange: 0.2 })): PeftModel {
  const peft = getPeftModel(model, new LoraConfig({ r: 2, loraAlpha: 1, ...options }));
  fill(peft.trainableParameters().values());
  return peft;
}

test('has one entry per adapted layer and format, in their order', () => {
  const report = mergeReport(adapted());
  expect([...new Set(report.map(({ layer }) => layer))]).toEqual([
    'model.layers.0.self_attn.q_proj',
    'model.layers.0.self_attn.v_proj',
    'model.layers.1.self_attn.q_proj',
    'model.layers.1.self_attn.v_proj',
  ]);
  expect(report.slice(0, 5).map(({ dtype }) => dtype)).toEqual(['float32', 'bfloat16', 'float16', 'int8', 'nf4']);
  expect(report).toHaveLength(20);
});

test('float32 loses nothing but the order of two sums, and formats of fewer bits more each', () => {
  const [float32, bfloat16, float16, int8, nf4] = mergeReport(adapted());
  expect(float32?.weightError).toBe(0);
  expect(float32?.updateError).toBe(0);
  expect(float32?.outputError).toBeLessThan(1e-6);
  const errors = [float16, bfloat16, int8, nf4].map((entry) => entry?.weightError ?? Number.NaN);
  expect(errors).toEqual(errors.toSorted((a, b) => a - b));
  expect(errors[0]).toBeGreaterThan(2 ** -14); // the unit of the last place is 2⁻¹⁰ of a value
  expect(errors[0]).toBeLessThan(2 ** -11);
  for (const entry of [bfloat16, float16, int8, nf4]) {
    expect((entry?.outputError ?? 0) / (entry?.weightError ?? 1)).toBeGreaterThan(0.5);
    expect((entry?.outputError ?? 0) / (entry?.weightError ?? 1)).toBeLessThan(2);
  }
});

test('is what comes of the definitions', () => {
  const model = adapted({ targetModules: ['down_proj'], layersToTransform: [1] });
  const [, , , , nf4] = mergeReport(model);
  const layer = new Map(model.model.namedModules()).get('model.layers.1.mlp.down_proj') as LoraLinear;
  expect(layer).toBeInstanceOf(LoraLinear);
  const base = layer.baseWeight().read();
  const [delta, exact] = tf.tidy(() => {
    const product = tf.matMul(layer.loraA as tf.Tensor2D, layer.loraB as tf.Tensor2D).mul(0.5);
    return [product.dataSync().slice(), base.add(product)] as never as [Float32Array, tf.Tensor];
  });
  const merged = roundWeight(exact.transpose(), 'nf4').transpose().dataSync();
  const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
  const rounding = exact.dataSync().map((value, i) => (merged[i] ?? 0) - value);
  expect(nf4?.weightError).toBeCloseTo(norm(rounding) / norm(exact.dataSync()), 5);
  expect(nf4?.updateError).toBeCloseTo(norm(rounding) / norm(delta), 4);
});

test('starts from the dequantised weights of a quantised base, where nf4 again costs more than float32', () => {
  const base = LlamaForCausalLM.fromConfig({ ...SMALL_SIZES, initializerRange: 0.2 });
  quantizeModel(base, 'nf4');
  const model = adapted({}, base);
  const [float32, , , , nf4] = mergeReport(model);
  expect(float32?.outputError).toBeLessThan(1e-6);
  expect(nf4?.weightError).toBeGreaterThan(0.01);
});

test('covers DoRA and embeddings, leaves no tensors, and changes nothing', () => {
  for (const model of [adapted({ useDora: true }), adapted({ targetModules: ['embed_tokens', 'lm_head'] })]) {
    const logits = () =>
      tf.tidy(() =>
        model
          .forward([[1, 5, 9]])
          .dataSync()
          .slice(),
      );
    const before = logits();
    const tensors = tf.memory().numTensors;
    const [float32, bfloat16] = mergeReport(model, { dtypes: ['float32', 'bfloat16'], rows: 8 });
    expect(float32?.outputError).toBeLessThan(1e-5);
    expect(bfloat16?.outputError).toBeGreaterThan(1e-4);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(logits()).toEqual(before);
  }
});

test('is refused for merged adapters and for prefixes', () => {
  const model = adapted();
  model.mergeAdapter();
  expect(() => mergeReport(model)).toThrow(StateError);
  const prefix = getPeftModel(LlamaForCausalLM.fromConfig(SMALL_SIZES), new AdaptionPromptConfig({ adapterLen: 3, adapterLayers: 1 }));
  expect(() => mergeReport(prefix)).toThrow(UnsupportedError);
});
