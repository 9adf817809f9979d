import { compile, crossEntropy, Embedding, Linear, LoraLinear, type Projection, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { lmHeadLoss, TiedHead } from '../../../lib/lowrank/src/nn';
import { seededRandom } from '../../../lib/lowrank/src/runtime';
import { runTrace } from '../../../lib/lowrank/src/runtime/compile/tracing/runTrace';
import { Trace } from '../../../lib/lowrank/src/runtime/compile/tracing/trace';
import { graphShapes } from '../../runtime/compile/bindingSpies';

function random(shape: number[], seed: number): tf.Tensor {
  const next = seededRandom(seed);
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => next() * 2 - 1),
    shape,
  );
}

const variable = (shape: number[], seed: number) => tf.tidy(() => tf.variable(random(shape, seed)));
const LABELS = [3, -100, 0, 10, 5, 5, -100, 2, 9, 1, 4];

const whole = (x: tf.Tensor, labels: tf.Tensor, head: Projection) => crossEntropy(head.forward(x), labels);

test.each([
  ['a frozen linear head', () => new Linear(variable([6, 11], 1)).freeze()],
  ['a frozen tied head', () => new TiedHead(new Embedding(variable([11, 6], 2)).freeze())],
])('in chunks, loss and gradient are those of the whole logits: %s', (_, makeHead) => {
  const before = tf.memory().numTensors;
  const heads = [makeHead(), makeHead()];
  const compiled = compile((head: Projection, rows: tf.Tensor, labels: tf.Tensor) =>
    tf.valueAndGrads((states: tf.Tensor) => lmHeadLoss(states, labels, head, 33).mul(2))([rows]),
  );
  const evaluate = compile((head: Projection, rows: tf.Tensor, labels: tf.Tensor) => lmHeadLoss(rows, labels, head, 33));
  tf.tidy(() => {
    const labels = tf.tensor1d(LABELS, 'int32');
    for (const [seed, head] of heads.entries()) {
      const rows = random([11, 6], seed + 7);
      const plain = tf.valueAndGrads((states: tf.Tensor) => whole(states, labels, head).mul(2))([rows]);
      const mine = compiled(head, rows, labels);
      expect(mine.value.dataSync()[0]).toBeCloseTo(plain.value.dataSync()[0] ?? 0, 5);
      expect(evaluate(head, rows, labels).mul(2).dataSync()[0]).toBeCloseTo(plain.value.dataSync()[0] ?? 0, 5);
      const expected = plain.grads[0]?.dataSync() ?? [];
      for (const [i, slope] of (mine.grads[0]?.dataSync() ?? []).entries()) expect(slope).toBeCloseTo(expected[i] ?? 0, 5);
      expect(Math.max(...expected)).toBeGreaterThan(0.01);
    }
  });
  compiled.dispose();
  evaluate.dispose();
  for (const head of heads) for (const part of [head, ...head.borrowedParts()]) part.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('no operation of a compiled loss, or of its gradient, gives the logits of all rows', () => {
  const head = new Linear(variable([6, 11], 1)).freeze();
  const shapesWith = (maxLogits: number) => {
    const compiled = compile((rows: tf.Tensor, labels: tf.Tensor) =>
      tf.valueAndGrads((states: tf.Tensor) => lmHeadLoss(states, labels, head, maxLogits))([rows]),
    );
    const { shapes } = graphShapes(() => tf.tidy(() => void compiled(random([66, 6], 1), tf.fill([66], 1, 'int32'))));
    compiled.dispose();
    return shapes;
  };
  expect(shapesWith(11 * 96)).toContain('66,11');
  expect(shapesWith(33)).not.toContain('66,11');
  head.dispose();
});

test.each([
  ['evaluation', (x: tf.Tensor, loss: (x: tf.Tensor) => tf.Scalar) => loss(x)],
  ['training', (x: tf.Tensor, loss: (x: tf.Tensor) => tf.Scalar) => tf.valueAndGrads(loss)([x]).grads[0]],
])('each chunk waits for the one before it: %s', (_, work) => {
  const head = new Linear(variable([6, 11], 1)).freeze();
  const [rows, labels] = [random([11, 6], 9), tf.tensor1d(LABELS, 'int32')];
  const trace = new Trace('losses', 'float32');
  const fn = () => work(rows, (states) => lmHeadLoss(states, labels, head, 33));
  runTrace(trace, { fn, args: [], given: { tensors: [], parameters: [], key: '' }, reached: new Set() });
  const calls = trace.graph.operations.filter(({ calls }) => calls?.startsWith('head_loss'));
  expect(calls.length).toBe(4); // 11 rows by three
  for (const [i, { inputs }] of calls.slice(1).entries()) expect(inputs.some((input) => calls[i]?.outputs.includes(input))).toBe(true);
  trace.graph.delete();
  for (const one of [head, rows, labels]) one.dispose();
});

test.each([
  ['a head that is trained', () => new Linear(variable([6, 11], 1))],
  ['a tied head whose table is trained', () => new TiedHead(new Embedding(variable([11, 6], 2)))],
  [
    'a frozen head under a trained adapter',
    () => new LoraLinear(new Linear(variable([6, 11], 1)).freeze(), { r: 2, initLoraWeights: false }),
  ],
])('the gradient reaches the parameters of %s', (_, makeHead) => {
  const head = makeHead();
  const parameters = [head, ...head.borrowedParts()].flatMap((part) => [...part.trainableParameters()].map(([, parameter]) => parameter));
  expect(parameters.length).toBeGreaterThan(0);
  const compiled = compile(
    (rows: tf.Tensor, labels: tf.Tensor) => tf.variableGrads(() => lmHeadLoss(rows, labels, head, 33), parameters).grads,
  );
  tf.tidy(() => {
    const [rows, labels] = [random([11, 6], 9), tf.tensor1d(LABELS, 'int32')];
    const plain = tf.variableGrads(() => whole(rows, labels, head), parameters).grads;
    const mine = compiled(rows, labels);
    for (const { name } of parameters) {
      const expected = plain[name]?.dataSync() ?? [];
      expect(Math.max(...expected)).toBeGreaterThan(0.001);
      for (const [i, slope] of (mine[name]?.dataSync() ?? []).entries()) expect(slope).toBeCloseTo(expected[i] ?? 0, 5);
    }
  });
  compiled.dispose();
  for (const part of [head, ...head.borrowedParts()]) part.dispose();
});
