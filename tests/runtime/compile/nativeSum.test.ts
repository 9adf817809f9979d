import { compile, tf } from 'lowrank';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { sumOf } from '../../../lib/lowrank/src/runtime/compile/nativeSum';
import { relativeError } from '../../llama/golden';
import { random } from '../../nn/compare';
import { compiled } from '../../nn/kernels/nativeFunctions';
import { asOnGpu } from './bindingSpies';

afterEach(() => vi.restoreAllMocks());

type Terms = readonly [tf.Tensor, ...tf.Tensor[]];

const randoms = (count: number, shape: readonly number[]) => Array.from({ length: count }, (_, i) => random(shape, i + 1));

describe('the sum of large tensors in a compiled function', () => {
  test('reads what products gave in bfloat16 as that, two of them too', () => {
    tf.tidy(() => {
      const products = (x: tf.Tensor, w: tf.Tensor) => [1, 2, 3].map((factor) => tf.matMul(x, w.mul(factor)));
      const both = (x: tf.Tensor, w: tf.Tensor) => {
        const [a, b] = products(x, w) as [tf.Tensor, tf.Tensor];
        return [sumOf([a, b]), sumOf([a, x, b, w])];
      };
      const inputs = randoms(2, [256, 256]);
      const { results, types } = compiled((x, w) => both(x as tf.Tensor, w as tf.Tensor), inputs, 'bfloat16');
      expect(types).toEqual(new Set(['bf16 bf16 f32', 'bf16 f32 bf16 f32 f32']));
      for (const [i, expected] of both(...(inputs as [tf.Tensor, tf.Tensor])).entries()) {
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeLessThan(0.02);
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeGreaterThan(1e-5);
      }
    });
  });

  test('gives what additions one after the other give, for any length', () => {
    tf.tidy(() => {
      const [x, w] = [random([257, 16], 1), random([16, 301], 2)];
      const terms = (a: tf.Tensor, b: tf.Tensor): Terms => [
        tf.matMul(a, b),
        b.tile([17, 1]).slice([0, 0], [257, 301]),
        tf.matMul(a, b.neg().exp()),
      ];
      const both = (a: tf.Tensor, b: tf.Tensor) => [sumOf(terms(a, b)), terms(a, b).reduce((total, term) => total.add(term))];
      const { results, kernels } = compiled((a, b) => both(a as tf.Tensor, b as tf.Tensor), [x, w], 'bfloat16');
      expect(kernels).toEqual(new Set(['sum']));
      const [sum, added] = results.map((result) => [...result.dataSync()]);
      expect(sum).toEqual(added);
      expect(new Set(sum).size).toBeGreaterThan(50_000);
    });
  });

  test('is what gradients of one tensor are added up by', () => {
    tf.tidy(() => {
      const [x, v, w] = randoms(3, [300, 300]) as [tf.Tensor, tf.Tensor, tf.Tensor];
      const plain = (given: tf.Tensor) => tf.matMul(given, v).add(tf.matMul(given, w)).add(given.sin());
      const inner = compile(plain, { name: 'inner' });
      const slopesOf = (fn: (given: tf.Tensor) => tf.Tensor) => (given: tf.Tensor) => [tf.grad(fn)(given)];
      const { results, kernels, types } = compiled((given) => slopesOf(inner)(given as tf.Tensor), [x], 'bfloat16');
      expect(kernels).toContain('sum');
      expect(types).toEqual(new Set(['f32 bf16 bf16 f32']));
      const error = relativeError(results[0] as tf.Tensor, slopesOf(plain)(x)[0] as tf.Tensor);
      expect(error).toBeLessThan(0.02);
      expect(error).toBeGreaterThan(1e-5);
      inner.dispose();
    });
  });

  test('is additions where none of the tensors is from a product in bfloat16, for few numbers, on a GPU and op by op', async () => {
    const sums = (x: tf.Tensor, w: tf.Tensor) => [sumOf([tf.matMul(x, w), x, w])];
    const kernelsFor = (size: number, precision: 'float32' | 'bfloat16' = 'bfloat16') =>
      tf.tidy(() => [...compiled((x, w) => sums(x as tf.Tensor, w as tf.Tensor), randoms(2, [size, size]), precision).kernels]);
    expect(kernelsFor(256)).toEqual(['sum']);
    expect(kernelsFor(256, 'float32')).toEqual([]);
    expect(kernelsFor(16)).toEqual([]);
    expect(await asOnGpu(() => kernelsFor(256))).toEqual([]);
    const whole = tf.tidy(() => [
      ...compiled((...given) => [sumOf(given as unknown as Terms)], randoms(3, [256, 256]), 'bfloat16').kernels,
    ]);
    expect(whole).toEqual([]);
    const [terms, row] = [randoms(3, [256, 256]), random([256], 9)];
    const eager = tf.tidy(() => [...sumOf([...terms, row] as unknown as Terms).dataSync()]);
    expect(eager).toEqual(tf.tidy(() => [...[...terms, row].reduce((total, term) => total.add(term)).dataSync()]));
    tf.dispose([terms, row]);
  });
});
