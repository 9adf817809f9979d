import fc from 'fast-check';
import { Linear, MLP, tf } from 'lowrank';
import { swiglu } from 'lowrank/internal';
import { expect, test } from 'vitest';
import { expectClose } from '../llama/golden';
import { expectNoLeak, expectSame, random } from './compare';

const plainSwiglu = (gate: tf.Tensor, up: tf.Tensor) => gate.div(tf.add(1, gate.neg().exp())).mul(up);

test('SiLU(gate) ∘ up and both gradients, for any shape', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }), (shape) => {
      expectSame(swiglu, plainSwiglu, [shape, shape]);
    }),
    { numRuns: 15 },
  );
});

test('it stays finite where e^−x does not, in value and in gradient', () => {
  const gate = tf.tensor1d([-200, -90, 90, 200]);
  const [value, slope] = [swiglu(gate, tf.onesLike(gate)), tf.grad((x) => swiglu(x, tf.onesLike(x)))(gate)];
  expect([...value.dataSync()].map(Math.abs)).toEqual([0, 0, 90, 200].map((x) => expect.closeTo(x, 5)));
  expect([...slope.dataSync()]).toEqual([0, 0, 1, 1].map((x) => expect.closeTo(x, 5)));
  tf.dispose([gate, value, slope]);
});

test('the layer is (SiLU(x·W_gate) ∘ x·W_up)·W_down', () => {
  const linear = (I: number, O: number, seed: number) => new Linear(tf.variable(random([I, O], seed)));
  const mlp = new MLP({ gateProj: linear(3, 5, 1), upProj: linear(3, 5, 2), downProj: linear(5, 3, 3) });
  const [gate, up, down] = [...mlp.namedParameters()].map(([, variable]) => variable);
  const plain = (x: tf.Tensor) => {
    const rows = x.reshape([-1, 3]);
    return tf.matMul(plainSwiglu(tf.matMul(rows, gate as tf.Tensor), tf.matMul(rows, up as tf.Tensor)), down as tf.Tensor).reshape(x.shape);
  };
  expect([...mlp.namedParameters()].map(([name]) => name)).toEqual(['gate_proj.weight', 'up_proj.weight', 'down_proj.weight']);
  expectSame((x) => mlp.forward(x), plain, [[2, 4, 3]]);
  expectNoLeak((x) => mlp.forward(x), [[2, 4, 3]]);
  const x = random([2, 4, 3], 9);
  const ours = tf.variableGrads(() => mlp.forward(x).square().sum() as tf.Scalar);
  const theirs = tf.variableGrads(() => plain(x).square().sum() as tf.Scalar);
  for (const [name, gradient] of Object.entries(theirs.grads)) expectClose(() => [ours.grads[name] ?? tf.scalar(Number.NaN), gradient]);
  tf.dispose([x, ours, theirs]);
  mlp.dispose();
});
