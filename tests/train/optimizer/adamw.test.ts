import { AdamW, ArgumentError, cosineSchedule, ShapeError, StateError, tf } from 'lowrank';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clipByGlobalNorm } from '../../../lib/lowrank/src/train';
import golden from '../../golden/adamw.json';

const live = () => tf.memory().numTensors;

const variable = (values: number[] | number[][]): tf.Variable => tf.tidy(() => tf.variable(tf.tensor(values)));

function parameters() {
  return new Map([['weight', variable(golden.start.weight)] as const, ['bias', variable(golden.start.bias)] as const]);
}

function goldenOptimizer() {
  const { peak, warmupSteps } = golden;
  return new AdamW({
    learningRate: cosineSchedule({ peak, warmupSteps, totalSteps: golden.steps.length }),
    weightDecay: 0.1,
    betas: [0.9, 0.98],
    epsilon: 1e-7,
    decays: (name) => name !== 'bias',
  });
}

function goldenStep(optimizer: AdamW, variables: ReturnType<typeof parameters>, step: (typeof golden.steps)[number]) {
  tf.tidy(() => {
    const grads = { weight: tf.tensor2d(step.weightGrad), bias: tf.tensor1d(step.biasGrad) };
    optimizer.applyGradients(clipByGlobalNorm(grads, golden.maxNorm).grads, variables);
  });
}

function largestDifference(tensor: tf.Tensor, expected: number[] | number[][]): number {
  return tf.tidy(() => tensor.sub(expected).abs().max().dataSync()[0] ?? Number.NaN);
}

let before = 0;
beforeEach(() => {
  before = live();
});
afterEach(() => {
  tf.disposeVariables();
  expect(live()).toBe(before);
});

test('20 steps equal PyTorch with a cosine schedule, clipping and a parameter that does not decay', () => {
  const variables = parameters();
  const optimizer = goldenOptimizer();
  for (const [index, step] of golden.steps.entries()) {
    expect(optimizer.step).toBe(index);
    expect(optimizer.learningRate).toBeCloseTo(step.learningRate, 12);
    goldenStep(optimizer, variables, step);
    for (const [name, variable] of variables) expect(largestDifference(variable, step[name])).toBeLessThan(1e-6);
  }
  optimizer.dispose();
});

test('with no second argument the names are those of the variables, as tf.variableGrads gives them', () => {
  const w = tf.tidy(() => tf.variable(tf.tensor1d([1, -2]), true, 'w'));
  const optimizer = new AdamW({ learningRate: 0.1, weightDecay: 0 });
  const { value, grads } = tf.variableGrads(() => w.square().sum());
  optimizer.applyGradients(grads);
  expect([...w.dataSync()].map((x) => Number(x.toFixed(5)))).toEqual([0.9, -1.9]); // the first step is rate · sign(g)
  tf.dispose([value, grads]);
  optimizer.dispose();
});

test('restored, it goes on bit for bit', () => {
  const [straight, resumed] = [parameters(), parameters()];
  const [one, other] = [goldenOptimizer(), goldenOptimizer()];
  for (const step of golden.steps.slice(0, 7)) {
    goldenStep(one, straight, step);
    goldenStep(other, resumed, step);
  }
  const state = other.state();
  other.dispose();
  const fresh = goldenOptimizer();
  fresh.restore(state);
  tf.dispose(state.tensors);
  for (const step of golden.steps.slice(7)) {
    goldenStep(one, straight, step);
    goldenStep(fresh, resumed, step);
  }
  for (const [name, variable] of straight) expect(resumed.get(name)?.dataSync()).toEqual(variable.dataSync());
  one.dispose();
  fresh.dispose();
});

describe('what is refused, with nothing changed', () => {
  test('an unknown name', () => {
    const optimizer = new AdamW();
    const grad = tf.scalar(1);
    expect(() => optimizer.applyGradients({ nobody: grad }, [])).toThrow(ArgumentError);
    expect(() => optimizer.applyGradients({ nobody: grad })).toThrow(/'nobody'/);
    expect(optimizer.step).toBe(0);
    grad.dispose();
  });

  test('a gradient of another shape, even where the others fit', () => {
    const variables = parameters();
    const grads = { weight: tf.ones([3, 4]), bias: tf.ones([1]) };
    const optimizer = new AdamW();
    expect(() => optimizer.applyGradients(grads, variables)).toThrow(ShapeError);
    expect(largestDifference(variables.get('weight') as tf.Variable, golden.start.weight)).toBe(0);
    tf.dispose(grads);
  });

  test('another variable under the name of an earlier one, until the moments are disposed of or restored', () => {
    const optimizer = new AdamW({ learningRate: 0.1 });
    const [one, other, larger] = [variable([1, 2]), variable([1, 2]), variable([1, 2, 3])];
    const grads = { w: tf.ones([2]) };
    const update = (w: tf.Variable, given: tf.NamedTensorMap = grads) => optimizer.applyGradients(given, [['w', w]]);
    update(one);
    const first = [...one.dataSync()];
    const message = "the optimizer's moments of 'w' belong to another variable, of another model or of an adapter that is gone";
    expect(() => update(other)).toRefuse(StateError, message);
    one.dispose();
    expect(() => update(other)).toRefuse(StateError, message);
    expect([optimizer.step, ...other.dataSync()]).toEqual([1, 1, 2]);
    const state = optimizer.state();
    optimizer.restore(state);
    const more = { w: tf.ones([3]) };
    expect(() => update(larger, more)).toRefuse(StateError, message);
    update(other);
    expect(optimizer.step).toBe(2);
    expect(() => update(larger, more)).toRefuse(StateError, message);
    optimizer.dispose();
    update(larger, more);
    expect([...larger.dataSync()].slice(0, 2)).toEqual(first);
    optimizer.dispose();
    tf.dispose([grads, more, state.tensors]);
  });

  test('nothing of a first update that fails, so another variable may take its place', () => {
    let learningRate = Number.NaN;
    const optimizer = new AdamW({ learningRate: () => learningRate });
    const [one, larger] = [variable([1, 2]), variable([1, 2, 3])];
    const [grads, more] = [{ w: tf.ones([2]) }, { w: tf.ones([3]) }];
    expect(() => optimizer.applyGradients(grads, [['w', one]])).toThrow(ArgumentError);
    learningRate = 0.1;
    optimizer.applyGradients(more, [['w', larger]]);
    expect(optimizer.step).toBe(1);
    optimizer.dispose();
    tf.dispose([grads, more]);
  });

  test('half a state', () => {
    const tensors = { 'first.w': tf.scalar(1) };
    expect(() => new AdamW().restore({ step: 1, tensors })).toThrow(StateError);
    expect(() => new AdamW().restore({ step: -1, tensors: {} })).toThrow(StateError);
    tf.dispose(tensors);
  });

  test.each([{ learningRate: -1 }, { learningRate: Number.NaN }, { weightDecay: -0.1 }, { betas: [0.9, 1] as const }, { epsilon: 0 }])(
    '%o',
    (options) => {
      expect(() => new AdamW(options)).toThrow(ArgumentError);
    },
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, -0.1])(
  'a schedule that gives %d is refused at that update, and nothing has changed',
  (rate) => {
    const weight = variable([1, 2]);
    const optimizer = new AdamW({ learningRate: (step) => (step === 1 ? rate : 0.1), weightDecay: 0 });
    const grads = { weight: tf.tensor1d([1, -1]) };
    optimizer.applyGradients(grads, [['weight', weight]]);
    const values = weight.dataSync();
    expect(() => optimizer.applyGradients(grads, [['weight', weight]])).toRefuse(ArgumentError, `a learning rate of ${rate} for update 2`);
    expect([[...weight.dataSync()], optimizer.step]).toEqual([[...values], 1]);
    tf.dispose([weight, grads]);
    optimizer.dispose();
  },
);
