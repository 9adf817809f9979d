import { ArgumentError, Linear, LoraLinear, Module, RMSNorm, ShapeError, tf, ZeroInitPrefixAttention } from 'lowrank';
import { expect, test } from 'vitest';
import { tinyModel } from '../peft/tinyModel';

const variable = (...shape: number[]) => tf.tidy(() => tf.variable(tf.ones(shape)));
const Q = 'model.layers.0.self_attn.q_proj';

test('a layer of another kind, or none at all, is refused and nothing is changed', () => {
  const model = tinyModel();
  const [layer] = model.model.layers;
  const before = layer?.selfAttn;
  const put = (path: string, what: unknown) => () => model.replaceModule(path, what as Module);
  expect(put('model.layers.0.self_attn', layer?.mlp)).toThrow(
    "'model.layers.0.self_attn' is of the kind 'attention'; a MLP, of the kind 'MLP'",
  );
  expect(put(Q, new RMSNorm(variable(16)))).toThrow(ArgumentError);
  expect(put(Q, { forward: (x: tf.Tensor) => x })).toThrow('is not a Module but Object');
  expect(put(Q, undefined)).toThrow('is not a Module but undefined');
  expect(put('model.layers.0', layer?.mlp)).toThrow("of the kind 'decoder layer'");
  expect(put('model.embed_tokens', model.lmHead)).toThrow("of the kind 'token table'");
  expect(put('model', layer?.selfAttn)).toThrow("of the kind 'decoder'");
  expect(layer?.selfAttn).toBe(before);
});

test('a layer of the same kind and other widths is refused with both widths', () => {
  const model = tinyModel();
  expect(() => model.replaceModule(Q, new Linear(variable(16, 8)))).toRefuse(
    ShapeError,
    `'${Q}' has outFeatures 16; a Linear with outFeatures 8`,
  );
});

test('wrappers, and layers of the caller that have what is used, are taken', () => {
  class Own extends Module {
    readonly inFeatures = 16;
    readonly outFeatures = 16;
    forward = (x: tf.Tensor) => x;
  }
  class NotQuite extends Module {
    forward = (x: tf.Tensor) => x;
  }
  const model = tinyModel();
  const [layer] = model.model.layers;
  const attention = layer?.selfAttn as never;
  model.replaceModule('model.layers.0.self_attn', new ZeroInitPrefixAttention(attention, { adapterLen: 2 }));
  model.replaceModule('model.layers.0.self_attn', attention);
  model.replaceModule('lm_head', new LoraLinear(model.lmHead, { r: 1 }));
  model.replaceModule(Q, new Own());
  expect(() => model.replaceModule('model.layers.0.self_attn.k_proj', new NotQuite())).toThrow('it has no inFeatures, outFeatures');
});
