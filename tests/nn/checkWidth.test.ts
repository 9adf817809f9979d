import {
  ArgumentError,
  applyRotary,
  compile,
  Embedding,
  getPeftModel,
  IA3Config,
  Linear,
  LoraConfig,
  LoraLinear,
  MLP,
  RMSNorm,
  rotaryTables,
  ShapeError,
  StateError,
  scaledDotProduct,
  tf,
} from 'lowrank';
import { expect, test } from 'vitest';
import { QuantizedLinear, rowsOf } from '../../lib/lowrank/src/nn';
import { Int8Weight } from '../../lib/lowrank/src/nn/quantized/int8Weight';
import { tinyModel } from '../peft/tinyModel';

const variable = (...shape: number[]) => tf.tidy(() => tf.variable(tf.ones(shape)));
const linear = (inFeatures: number, outFeatures: number) => new Linear(variable(inFeatures, outFeatures));

const LAYERS: [string, { forward(x: tf.Tensor): tf.Tensor }, RegExp][] = [
  ['Linear', linear(4, 3), /\[4,3\].*got shape \[2,5\]/],
  ['LoraLinear', new LoraLinear(linear(4, 3), { r: 2 }), /\[4,3\].*got shape \[2,5\]/],
  ['RMSNorm', new RMSNorm(variable(4)), /\[4\].*got shape \[2,5\]/],
  ['MLP', new MLP({ gateProj: linear(4, 6), upProj: linear(4, 6), downProj: linear(6, 4) }), /\[4,6\].*got shape \[2,5\]/],
];

test.each(LAYERS)('a %s of width 4 names both shapes when it is given 5, alone, compiled, and in a gradient', (_, layer, text) => {
  const x = tf.ones([2, 5]);
  const compiled = compile((x: tf.Tensor) => layer.forward(x));
  for (const run of [() => layer.forward(x), () => compiled(x), () => tf.grad((x: tf.Tensor) => layer.forward(x).sum())(x)]) {
    expect(run).toRefuse(ShapeError, text);
  }
  expect(() => layer.forward(tf.scalar(1))).toThrow(ShapeError);
});

test('factors of inputs are not spread over another width, and a tensor that was freed is named', () => {
  const adapted = getPeftModel(tinyModel(), new IA3Config()).model;
  const layer = adapted.model.layers[0]?.mlp.downProj;
  for (const shape of [[2, 1], [2, 5], []]) expect(() => layer?.forward(tf.ones(shape))).toThrow(/an IA3 layer with factors \(\d+\) takes/);
  const freed = tf.ones([2, layer?.inFeatures ?? 0]);
  freed.dispose();
  expect(() => layer?.forward(freed)).toRefuse(StateError, 'that was disposed of');
});

test('a QuantizedLinear names both shapes', () => {
  const layer = new QuantizedLinear(Int8Weight.pack(rowsOf(tf.ones([3, 4]))));
  expect(() => layer.forward(tf.ones([2, 5]))).toThrow(/\[3,4\].*got shape \[2,5\]/);
});

test('an attention, and what it is made of, names what it was given', () => {
  const model = getPeftModel(tinyModel(), new LoraConfig({ r: 2 })).model;
  const attention = model.model.layers[0]?.selfAttn;
  const context = { rotary: rotaryTables(tf.range(0, 3), { headDim: 4 }), mask: tf.zeros([3, 3]) };
  for (const shape of [
    [2, 3, 5],
    [3, 16],
    [2, 4, 16],
  ])
    expect(() => attention?.forward(tf.ones(shape), context), String(shape)).toThrow(ShapeError);
  expect(() => applyRotary(tf.ones([1, 2, 5, 4]), context.rotary)).toThrow('rotary tables of shape [1,1,3,4] do not fit');
  const q = tf.ones([1, 2, 3, 4]) as tf.Tensor4D;
  expect(() => scaledDotProduct(q, tf.ones([1, 2, 3, 6]) as tf.Tensor4D, tf.ones([1, 2, 3, 6]) as tf.Tensor4D)).toThrow(
    'q [1,2,3,4], k [1,2,3,6]',
  );
});

test('parts that do not fit each other are refused when a layer is made of them', () => {
  expect(() => new MLP({ gateProj: linear(4, 6), upProj: linear(4, 5), downProj: linear(6, 4) })).toThrow('gate (4, 6), up (4, 5)');
  expect(() => new Linear(variable(4, 3), variable(4))).toThrow("a Linear's bias is (out), [3]");
});

test('an Embedding takes whole numbers alone', () => {
  expect(() => new Embedding(variable(4, 3)).forward(tf.tensor2d([[0.5]]))).toThrow(ArgumentError);
});
