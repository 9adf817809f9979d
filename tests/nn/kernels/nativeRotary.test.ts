import { applyRotary, rotaryTables, tf } from 'lowrank';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { relativeError } from '../../llama/golden';
import { asOnGpu } from '../../runtime/compile/bindingSpies';
import { random } from '../compare';
import { compiled, withKernelsInFloat32, withSlopes } from './nativeFunctions';

afterEach(() => vi.restoreAllMocks());

/** Positions of one row for all, or of as many rows. */
const positionsOf = (rows: number, tokens: number) =>
  rows === 1 ? tf.range(3, 3 + tokens) : tf.stack(Array.from({ length: rows }, (_, row) => tf.range(7 * row, 7 * row + tokens)));

describe('rotary positions of many heads in a compiled function', () => {
  test.each([
    [1, [4, 9, 64, 64]],
    [3, [3, 5, 67, 70]],
    [1, [2, 3, 11, 1024]],
    [2, [2, 1, 17_001, 2]],
  ])('are a kernel, forward and back, with the values of the operations: positions of %i rows, heads [%s]', (rows, shape) => {
    withKernelsInFloat32();
    tf.tidy(() => {
      const [, , tokens = 0, headDim = 0] = shape;
      const tables = rotaryTables(positionsOf(rows, tokens), { headDim });
      const valueAndSlopes = withSlopes((x) => applyRotary(x as tf.Tensor, tables));
      const inputs = [random(shape, 1), random(shape, 2)];
      const { results, kernels, flops } = compiled(valueAndSlopes, inputs);
      expect(kernels).toEqual(new Set(['rotary']));
      for (const [i, expected] of valueAndSlopes(...inputs).entries()) {
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeLessThan(1e-6);
        expect(relativeError(inputs[i] as tf.Tensor, expected)).toBeGreaterThan(0.1);
      }
      expect(flops).toBeLessThan(8 * (inputs[0]?.size ?? 0));
    });
  });

  test('go back by tables that a scope of their own made and gave up', () => {
    withKernelsInFloat32();
    tf.tidy(() => {
      const turned = (x: tf.Tensor) => tf.tidy(() => applyRotary(x, rotaryTables(tf.range(0, 64), { headDim: 64 })));
      const inputs = [random([2, 9, 64, 64], 1), random([2, 9, 64, 64], 2)];
      const valueAndSlopes = withSlopes((x) => turned(x as tf.Tensor));
      const { results, kernels } = compiled(valueAndSlopes, inputs);
      expect(kernels).toEqual(new Set(['rotary']));
      for (const [i, expected] of valueAndSlopes(...inputs).entries()) {
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeLessThan(1e-6);
      }
    });
  });

  test('reads and writes what products give and take in bfloat16 as that, though heads and tokens change places between', () => {
    tf.tidy(() => {
      const tables = rotaryTables(tf.range(0, 64), { headDim: 64 });
      const [x, w, v] = [random([64, 16], 1), random([16, 1024], 2), random([64, 16], 3)] as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
      const layer = (given: tf.Tensor) => {
        const heads = tf
          .matMul(given as tf.Tensor2D, w)
          .reshape([1, 64, 16, 64])
          .transpose([0, 2, 1, 3]);
        return tf.matMul(applyRotary(heads, tables).reshape([-1, 64]), v);
      };
      const formulas = (given: tf.Tensor) => [layer(given), ...tf.grads(layer)([given])];
      const { results, types } = compiled((given) => formulas(given as tf.Tensor), [x], 'bfloat16');
      expect(types).toEqual(new Set(['bf16 f32 f32 bf16']));
      for (const [i, expected] of formulas(x).entries()) {
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeLessThan(0.02);
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeGreaterThan(1e-5);
      }
    });
  });

  test('an odd width is refused as it is elsewhere', () => {
    withKernelsInFloat32();
    tf.tidy(() => {
      const [x, waves] = [random([1, 8, 128, 65], 1), random([1, 1, 128, 65], 2)];
      const turned = (given: tf.Tensor) => applyRotary(given, { cos: waves, sin: waves });
      expect(() => turned(x)).toThrow(/even|split/i);
      expect(() => compiled((given) => [turned(given as tf.Tensor)], [x])).toThrow(/even|split/i);
    });
  });

  test('are TensorFlow’s operations on a GPU, for few numbers, in float32, for heads wider than it takes and for tables of two shapes', async () => {
    const kernelsFor = ([heads, tokens, headDim]: [number, number, number], precision: 'float32' | 'bfloat16' = 'bfloat16') =>
      tf.tidy(() => {
        const tables = rotaryTables(tf.range(0, tokens), { headDim });
        return [...compiled((x) => [applyRotary(x as tf.Tensor, tables)], [random([1, heads, tokens, headDim], 1)], precision).kernels];
      });
    expect(kernelsFor([8, 128, 64])).toEqual(['rotary']);
    expect(await asOnGpu(() => kernelsFor([8, 128, 64]))).toEqual([]);
    expect(kernelsFor([8, 128, 64], 'float32')).toEqual([]);
    expect(kernelsFor([1, 128, 64])).toEqual([]);
    expect(kernelsFor([1, 128, 1026])).toEqual([]);
    tf.tidy(() => {
      const cos = random([1, 1, 128, 64], 3);
      const { kernels } = compiled(
        (x) => [applyRotary(x as tf.Tensor, { cos, sin: tf.ones([2, 1, 128, 64]) })],
        [random([2, 8, 128, 64], 1)],
        'bfloat16',
      );
      expect([...kernels]).toEqual([]);
    });
  });
});
