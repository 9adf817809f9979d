/** AdamW updates parameters of one shape together, and nobody can tell. */
import { AdamW, compile, StateError, tf } from 'lowrank';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { groupsToStack } from '../../../lib/lowrank/src/runtime/tensorGroups';

let before = 0;
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => {
  tf.disposeVariables();
  expect(tf.memory().numTensors).toBe(before);
});

const SHAPES: readonly (readonly [string, number[]])[] = [
  ['a', [2, 3]],
  ['b', [4]],
  ['c', [2, 3]],
  ['d', []],
  ['e', [2, 3]],
];

const drawn = (seed: number, shape: number[]) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const parameters = () => new Map(SHAPES.map(([name, shape], i) => [name, tf.tidy(() => tf.variable(drawn(i + 1, shape)))] as const));

/** Ten updates; only the named parameters have a gradient. */
function updates(optimizer: AdamW, variables: ReturnType<typeof parameters>, reached: string): void {
  for (let step = 0; step < 10; step++) {
    const named = SHAPES.flatMap(([name, shape], i) => (reached.includes(name) ? [[name, drawn(10 * step + i + 1, shape)] as const] : []));
    optimizer.applyGradients(Object.fromEntries(named), variables);
    for (const [, grad] of named) grad.dispose();
  }
}

/** The bits of the parameters and of their moments. */
function bits(optimizer: AdamW, variables: ReturnType<typeof parameters>): Map<string, string> {
  const { tensors } = optimizer.state();
  const all = [...variables, ...Object.entries(tensors)].map(([name, tensor]) => [name, `${tensor.shape}: ${tensor.dataSync()}`] as const);
  tf.dispose(tensors);
  return new Map(all);
}

test('parameters in a group get the bits that each would get alone', () => {
  const [together, alone] = [parameters(), parameters()];
  const optimizer = new AdamW({ learningRate: 0.1, decays: (name) => name !== 'c' });
  updates(optimizer, together, 'abcde');
  const expected = new Map<string, string>();
  for (const [name, variable] of alone) {
    const own = new AdamW({ learningRate: 0.1, decays: (each) => each !== 'c' });
    updates(own, new Map([[name, variable]]), name);
    for (const [key, value] of bits(own, new Map([[name, variable]]))) expected.set(key, value);
    own.dispose();
  }
  expect(Object.fromEntries(bits(optimizer, together))).toEqual(Object.fromEntries(expected));
  optimizer.dispose();
});

test('a parameter without a gradient keeps its value and its moments, where others of its group move', () => {
  const variables = parameters();
  const optimizer = new AdamW({ learningRate: 0.1 });
  updates(optimizer, variables, 'abcde');
  const earlier = bits(optimizer, variables);
  updates(optimizer, variables, 'ad');
  const later = bits(optimizer, variables);
  const moved = [...later].filter(([key, value]) => earlier.get(key) !== value).map(([key]) => key);
  expect(moved.sort()).toEqual(['a', 'd', 'first.a', 'first.d', 'second.a', 'second.d']);
  optimizer.dispose();
});

test('the same holds inside a compiled function, whose update may be withheld', () => {
  const [compiled, plain] = [parameters(), parameters()];
  const [one, other] = [new AdamW({ learningRate: 0.1 }), new AdamW({ learningRate: 0.1 })];
  one.prepare(compiled);
  const update = compile((grads: tf.NamedTensorMap, coefficients: tf.Tensor1D, allFinite: tf.Tensor) =>
    tf.tidy(() => {
      for (const [variable, value] of one.updated(grads, compiled, { coefficients, allFinite })) variable.assign(value);
    }),
  );
  const grads = { a: drawn(5, [2, 3]), e: drawn(6, [2, 3]) };
  for (const isSound of [true, false, true]) {
    tf.tidy(() => update(grads, one.coefficients(), tf.scalar(isSound, 'bool')));
    if (!isSound) continue;
    one.countStep();
    other.applyGradients(grads, plain);
  }
  const [ours, theirs] = [bits(one, compiled), bits(other, plain)];
  for (const [key, value] of theirs) expect([key, ours.get(key)]).toEqual([key, value]);
  expect(ours.get('first.c')).toBe('2,3: 0,0,0,0,0,0');
  tf.dispose(grads);
  update.dispose();
  one.dispose();
  other.dispose();
});

test('moments of two shapes are refused, and the state stays', () => {
  const variables = parameters();
  const optimizer = new AdamW({ learningRate: 0.1 });
  updates(optimizer, variables, 'abcde');
  const earlier = bits(optimizer, variables);
  const tensors = { 'first.a': tf.zeros([2, 3]), 'second.a': tf.zeros([3, 2]) };
  expect(() => optimizer.restore({ step: 1, tensors })).toRefuse(StateError, "the moments of 'a' have shapes [2,3] and [3,2]");
  expect(bits(optimizer, variables)).toEqual(earlier);
  tf.dispose(tensors);
  optimizer.dispose();
});

test('large tensors are stacked in small groups, or not at all', () => {
  const ofSize = (size: number) => Array<tf.Tensor>(20).fill(tf.zeros([size]));
  tf.tidy(() => {
    const lengths = (size: number) =>
      groupsToStack(
        ofSize(size),
        ({ shape }) => shape.join(),
        (tensor) => tensor,
      ).map((group) => group.length);
    expect(lengths(8)).toEqual([16, 4]);
    expect(lengths(2 ** 23)).toEqual(Array.from({ length: 20 }, () => 1));
  });
});
