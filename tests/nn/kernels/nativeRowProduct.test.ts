import { compile, Embedding, Linear, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { TiedHead } from '../../../lib/lowrank/src/nn';
import { columnProduct } from '../../../lib/lowrank/src/nn/kernels/rowProduct';
import { relativeError } from '../../llama/golden';
import { graphModules } from '../../runtime/compile/bindingSpies';
import { random } from '../compare';

/** Sizes that are whole numbers of the kernels' steps, and some that are not. */
const SIZES = [
  [256, 288],
  [275, 301],
  [1030, 257],
] as const;

type Layer = { readonly forward: (x: tf.Tensor) => tf.Tensor; readonly expected: (x: tf.Tensor) => tf.Tensor };

const LAYERS: Record<string, (I: number, O: number) => Layer> = {
  'a linear layer': (I, O) => {
    const weight = tf.variable(random([I, O], 1), false);
    const layer = new Linear(weight, tf.variable(random([O], 5), false));
    return { forward: (x) => layer.forward(x), expected: (x) => x.matMul(weight).add(random([O], 5)) };
  },
  'a head that shares the embedding': (I, O) => {
    const weight = tf.variable(random([O, I], 1), false);
    const head = new TiedHead(new Embedding(weight));
    return { forward: (x) => head.forward(x), expected: (x) => x.matMul(weight, false, true) };
  },
};

/** What the layer gives in a function that XLA compiles, and how many native products that has. */
function compiled(forward: Layer['forward'], x: tf.Tensor, xla = true): { y: tf.Tensor; products: number } {
  const run = compile(forward, { xla });
  const ys: tf.Tensor[] = [];
  const modules = graphModules(() => ys.push(run(x)));
  run.dispose();
  return { y: ys[0] as tf.Tensor, products: modules.filter((text) => /lowrank_(row|column)_product/.test(text)).length };
}

describe.each(Object.keys(LAYERS))('%s', (name) => {
  test.each(SIZES.flatMap(([I, O]) => [1, 2, 5, 8].map((rows) => [I, O, rows] as const)))(
    'of %i inputs and %i outputs multiplies %i rows natively, to the same values',
    (I, O, rows) => {
      const layer = LAYERS[name]?.(I, O) as Layer;
      const x = random([rows, 1, I], 2);
      const { y, products } = compiled(layer.forward, x);
      expect(products).toBe(1);
      expect(y.shape).toEqual([rows, 1, O]);
      expect(relativeError(y, layer.expected(x.reshape([rows, I])).reshape([rows, 1, O]))).toBeLessThan(2e-6);
    },
  );

  test('gives the gradient by its input natively too', () => {
    const layer = LAYERS[name]?.(288, 260) as Layer;
    const slope = (forward: Layer['forward']) => tf.grad((x: tf.Tensor) => forward(x).square().sum());
    const x = random([1, 288], 2);
    const { y, products } = compiled(slope(layer.forward), x);
    expect(products).toBe(2);
    expect(relativeError(y, slope(layer.expected)(x))).toBeLessThan(1e-5);
  });

  test('multiplies as ever where there are many rows, or XLA does not compile', () => {
    const layer = LAYERS[name]?.(288, 260) as Layer;
    expect(compiled(layer.forward, random([9, 288], 2)).products).toBe(0);
    expect(compiled(layer.forward, random([1, 288], 2), false).products).toBe(0);
  });

  test('of few values multiplies as ever', () => {
    const layer = LAYERS[name]?.(64, 64) as Layer;
    expect(compiled(layer.forward, random([1, 64], 2)).products).toBe(0);
  });
});

test('a weight that is trained multiplies as ever, and gets its gradient', () => {
  const weight = tf.variable(random([288, 260], 1));
  const layer = new Linear(weight);
  const x = random([2, 288], 2);
  const trained = () => tf.variableGrads(() => layer.forward(x).square().sum<tf.Scalar>(), [weight]).grads[weight.name] as tf.Tensor;
  const { y, products } = compiled(trained, x);
  expect(products).toBe(0);
  expect(relativeError(y, x.matMul(x.matMul(weight), true).mul(2))).toBeLessThan(1e-5);
});

test('a native product refuses an input of another width', () => {
  const weight = random([288, 260], 1);
  const run = compile((x: tf.Tensor) => columnProduct(x, weight), { xla: true });
  expect(() => run(random([1, 287], 2))).toThrow('x [1,287] does not fit a weight of 288 inputs and 260 outputs');
});
