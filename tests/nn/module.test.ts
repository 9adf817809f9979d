import { ArgumentError, countParameters, Embedding, Linear, Module, RMSNorm, tf } from 'lowrank';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TiedHead } from '../../lib/lowrank/src/nn';
import { toSnakeCase } from '../../lib/lowrank/src/nn/module';

const variable = (...shape: number[]) => tf.tidy(() => tf.variable(tf.ones(shape)));

class Layer extends Module {
  qProj = new Linear(variable(2, 3), variable(3));
  inputNorm = new RMSNorm(variable(2));
}

class Model extends Module {
  embedTokens = new Embedding(variable(5, 2));
  layers = [new Layer(), new Layer()];
  lmHead = new TiedHead(this.embedTokens);
  readonly size = 7;
}

let model: Model;
beforeAll(() => {
  model = new Model();
});
afterAll(() => model.dispose());

test("modules and parameters have Hugging Face's paths, parents first", () => {
  expect([...model.namedModules()].map(([path]) => path)).toEqual([
    '',
    'embed_tokens',
    'layers.0',
    'layers.0.q_proj',
    'layers.0.input_norm',
    'layers.1',
    'layers.1.q_proj',
    'layers.1.input_norm',
    'lm_head',
  ]);
  expect([...model.namedParameters()].map(([path, { shape }]) => [path, shape])).toEqual([
    ['embed_tokens.weight', [5, 2]],
    ...[0, 1].flatMap((layer) => [
      [`layers.${layer}.q_proj.weight`, [2, 3]],
      [`layers.${layer}.q_proj.bias`, [3]],
      [`layers.${layer}.input_norm.weight`, [2]],
    ]),
  ]);
  expect([...model.namedParameters('base')][0]?.[0]).toBe('base.embed_tokens.weight');
  expect(['qProj', 'embedTokens', 'layers'].map(toSnakeCase)).toEqual(['q_proj', 'embed_tokens', 'layers']);
});

test('a shared table is counted once, and what is frozen is not trainable', () => {
  expect(countParameters(model)).toEqual({ total: 10 + 2 * (6 + 3 + 2), trainable: 32 });
  const [first] = model.layers;
  first?.freeze();
  expect(countParameters(model)).toEqual({ total: 32, trainable: 21 });
  expect([...model.trainableParameters()].map(([path]) => path)).not.toContain('layers.0.q_proj.weight');
});

test('a module is replaced where it stands, as a property or in a list, and nowhere else', () => {
  const other = new Linear(variable(2, 3));
  model.layers[1]?.qProj.dispose();
  model.replaceModule('layers.1.q_proj', other);
  expect(model.layers[1]?.qProj).toBe(other);
  const layer = new Layer();
  model.layers[0]?.dispose();
  model.replaceModule('layers.0', layer);
  expect(model.layers[0]).toBe(layer);
  expect(() => model.replaceModule('layers.2', layer)).toThrow(ArgumentError);
  expect(() => model.replaceModule('size', layer)).toThrow("no module 'size' in this model");
});

test('disposing frees every parameter, once', () => {
  const before = tf.memory().numTensors;
  const gone = new Model();
  gone.dispose();
  gone.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
