import { compile, ShapeError, tf } from 'lowrank';
import { swiglu } from 'lowrank/internal';
import { expect, test } from 'vitest';
import { expectSame, random } from './compare';

test('SwiGLU has the values and the gradients of its formula', () => {
  const formula = (gate: tf.Tensor, up: tf.Tensor) => gate.div(tf.scalar(1).add(gate.neg().exp())).mul(up);
  expectSame(swiglu, formula, [
    [3, 5],
    [3, 5],
  ]);
});

test('two shapes are refused, wherever it is computed', () => {
  const [gate, up] = [random([256, 512], 1), random([512], 2)];
  const refusal = new ShapeError('SwiGLU takes two of one shape; got [256,512] and [512]');
  expect(() => swiglu(gate, up)).toThrow(refusal);
  expect(() => compile(swiglu)(gate, up)).toThrow(refusal);
  tf.dispose([gate, up]);
});
