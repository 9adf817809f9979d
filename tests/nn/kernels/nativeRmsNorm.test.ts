import { RMSNorm, tf } from 'lowrank';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { relativeError } from '../../llama/golden';
import { asOnGpu } from '../../runtime/compile/bindingSpies';
import { random } from '../compare';
import { compiled, withKernelsInFloat32, withSlopes } from './nativeFunctions';

afterEach(() => vi.restoreAllMocks());

const eps = 0.01;
const norm = (x: tf.Tensor, weight: tf.Tensor) => new RMSNorm(weight as tf.Variable, eps).forward(x);
const plain = (x: tf.Tensor, weight: tf.Tensor) => x.div(x.square().mean(-1, true).add(eps).sqrt()).mul(weight);
const valueAndSlopes = withSlopes((x, weight) => norm(x as tf.Tensor, weight as tf.Tensor));
const plainValueAndSlopes = withSlopes((x, weight) => plain(x as tf.Tensor, weight as tf.Tensor));

describe('RMSNorm of many rows in a compiled function', () => {
  test.each([[[4, 64, 576]], [[3, 43, 2501]], [[70_001, 1]], [[9, 8191]]])(
    'is a kernel, forward and back, with the values of the formula: [%s]',
    (shape) => {
      withKernelsInFloat32();
      tf.tidy(() => {
        const C = shape.at(-1) ?? 0;
        const inputs = [random(shape, 1).mul(3), random([C], 2).add(2), random(shape, 3)];
        const { results, kernels, flops } = compiled(valueAndSlopes, inputs);
        expect(kernels).toEqual(new Set(['rms_norm', 'rms_norm_gradient']));
        for (const [i, expected] of plainValueAndSlopes(...inputs).entries()) {
          expect(results[i]?.shape).toEqual(expected.shape);
          expect(relativeError(results[i] as tf.Tensor, expected)).toBeLessThan(1e-5);
          expect(expected.abs().mean().dataSync()[0]).toBeGreaterThan(C === 1 ? 1e-3 : 0.1);
        }
        expect(flops).toBeLessThan(8 * (inputs[0]?.size ?? 0));
      });
    },
  );

  test('a row of zeros stays zero, and one with what is not a number has nothing else, as its neighbours have', () => {
    withKernelsInFloat32();
    tf.tidy(() => {
      const x = tf.concat([tf.zeros([1, 1024]), tf.fill([1, 1024], Number.NaN), tf.ones([98, 1024])]);
      const [y] = compiled(valueAndSlopes, [x, tf.ones([1024]), tf.onesLike(x)]).results;
      const values = y?.dataSync() ?? [];
      expect([0, 1023, 1024, 2047, 2048].map((i) => values[i])).toEqual([
        0,
        0,
        Number.NaN,
        Number.NaN,
        expect.closeTo(1 / Math.sqrt(1.01), 6),
      ]);
    });
  });

  test('reads and writes what products give and take in bfloat16 as that', () => {
    tf.tidy(() => {
      const [x, w, v, g] = [random([1, 256, 16], 1), random([16, 256], 2), random([256, 16], 3), random([256], 4)] as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const product = (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a.reshape([256, -1]), b).reshape([1, 256, -1]);
      const layer = (given: tf.Tensor) => product(norm(product(given, w), g), v);
      const formulas = (given: tf.Tensor) => [layer(given), ...tf.grads(layer)([given])];
      const { results, types } = compiled((given) => formulas(given as tf.Tensor), [x], 'bfloat16');
      expect(types).toEqual(new Set(['bf16 f32 bf16 f32', 'bf16 bf16 f32 f32 f32']));
      for (const [i, expected] of formulas(x).entries()) {
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeLessThan(0.02);
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeGreaterThan(1e-5);
      }
    });
  });

  test('a weight of another width is refused as it is elsewhere', () => {
    withKernelsInFloat32();
    const [x, weight] = [random([256, 512], 1), random([256], 2)];
    expect(() => compiled((...given) => [norm(given[0] as tf.Tensor, given[1] as tf.Tensor)], [x, weight])).toThrow(
      /last axis of width 256; got shape \[256,512\]/,
    );
    tf.dispose([x, weight]);
  });

  test('is TensorFlow’s operations on a GPU, for few numbers and in float32', async () => {
    const [many, few] = [256, 16].map((rows) => [random([rows, 512], 1), random([512], 2), random([rows, 512], 3)]) as [
      tf.Tensor[],
      tf.Tensor[],
    ];
    expect(await asOnGpu(() => tf.tidy(() => [...compiled(valueAndSlopes, many, 'bfloat16').kernels]))).toEqual([]);
    expect(tf.tidy(() => [...compiled(valueAndSlopes, many, 'bfloat16').kernels])).toContain('rms_norm');
    expect(tf.tidy(() => [...compiled(valueAndSlopes, many).kernels])).toEqual([]);
    expect(tf.tidy(() => [...compiled(valueAndSlopes, few, 'bfloat16').kernels])).toEqual([]);
    tf.dispose([many, few]);
  });
});
