import { tf } from 'lowrank';
import { swiglu } from 'lowrank/internal';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { relativeError } from '../../llama/golden';
import { asOnGpu } from '../../runtime/compile/bindingSpies';
import { random } from '../compare';
import { compiled, withSlopes } from './nativeFunctions';

afterEach(() => vi.restoreAllMocks());

const valueAndSlopes = withSlopes((gate, up) => swiglu(gate as tf.Tensor, up as tf.Tensor));

describe('SiLU(gate) ∘ up of many numbers in a compiled function', () => {
  test.each([[[256, 256]], [[3, 257, 101]], [[70_001]]])('is a kernel, forward and back, with the values of the formula: [%s]', (shape) => {
    tf.tidy(() => {
      const inputs = [random(shape, 1).mul(20), random(shape, 2), random(shape, 3)];
      const { results, kernels, flops } = compiled(valueAndSlopes, inputs);
      expect(kernels).toEqual(new Set(['swiglu', 'swiglu_gradient']));
      for (const [i, expected] of valueAndSlopes(...inputs).entries()) {
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeLessThan(2e-6);
        expect(expected.abs().mean().dataSync()[0]).toBeGreaterThan(0.1);
      }
      expect(flops).toBeLessThan(8 * (inputs[0]?.size ?? 0));
    });
  });

  test('stays finite at the ends of what numbers can be, and not a number what is none', () => {
    tf.tidy(() => {
      const ends = tf.tensor1d([-3e38, -1e4, -88, -87, 87, 1e4, 3e38, Number.NaN]).tile([2 ** 14]);
      const [value, dgate] = compiled(valueAndSlopes, [ends, tf.onesLike(ends), tf.onesLike(ends)]).results;
      const close = (values: number[]) => values.map((one) => expect.closeTo(one, 5));
      expect([...(value?.dataSync() ?? [])].slice(0, 6).map((one) => one + 0)).toEqual(close([0, 0, 0, 0, 87, 1e4]));
      expect([...(dgate?.dataSync() ?? [])].slice(0, 7).map((one) => one + 0)).toEqual(close([0, 0, 0, 0, 1, 1, 1]));
      expect([value, dgate].map((one) => one?.dataSync()[2 ** 17 - 1])).toEqual([Number.NaN, Number.NaN]);
    });
  });

  test('reads and writes what products give and take in bfloat16 as that', () => {
    tf.tidy(() => {
      const [x, w, v] = [random([1, 256, 16], 1), random([16, 256], 2), random([256, 16], 3)] as [tf.Tensor, tf.Tensor, tf.Tensor];
      const product = (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a.reshape([256, -1]), b).reshape([1, 256, -1]);
      const layer = (given: tf.Tensor) => product(swiglu(product(given, w), product(given, w.mul(2))), v);
      const { results, types } = compiled(
        (given) => [layer(given as tf.Tensor), ...tf.grads(layer)([given as tf.Tensor])],
        [x],
        'bfloat16',
      );
      expect(types).toEqual(new Set(['bf16 bf16 bf16', 'bf16 bf16 bf16 bf16 bf16']));
      for (const [i, expected] of [layer(x), ...tf.grads(layer)([x])].entries()) {
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeLessThan(0.02);
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeGreaterThan(1e-5);
      }
    });
  });

  test('is TensorFlow’s operations on a GPU', async () => {
    const inputs = [random([256, 256], 1), random([256, 256], 2), random([256, 256], 3)];
    expect(await asOnGpu(() => tf.tidy(() => [...compiled(valueAndSlopes, inputs).kernels]))).toEqual([]);
    tf.dispose(inputs);
  });
});
