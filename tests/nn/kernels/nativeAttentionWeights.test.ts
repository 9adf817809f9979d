import { causalMask, scaledDotProduct, tf } from 'lowrank';
import { paddingMask } from 'lowrank/internal';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { segmentMask } from '../../../lib/lowrank/src/nn';
import { relativeError } from '../../llama/golden';
import { asOnGpu } from '../../runtime/compile/bindingSpies';
import { random } from '../compare';
import { compiled, withKernelsInFloat32, withSlopes } from './nativeFunctions';

afterEach(() => vi.restoreAllMocks());

interface Sizes {
  readonly B: number;
  readonly H: number;
  readonly K: number;
  readonly T: number;
  readonly S: number;
  readonly D: number;
}

const inputsOf = ({ B, H, K, T, S, D }: Sizes) => [
  random([B, H, T, D], 1),
  random([B, K, S, D], 2),
  random([B, K, S, D], 3),
  random([B, H, T, D], 4),
];

const attentionUnder = (mask?: tf.Tensor) =>
  withSlopes((q, k, v) => scaledDotProduct(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, { ...(mask && { mask }) }));

const SMALL: Sizes = { B: 3, H: 4, K: 2, T: 75, S: 75, D: 6 };

describe('attention to many keys in a compiled function', () => {
  test.each<[string, Sizes, (sizes: Sizes) => tf.Tensor | undefined]>([
    ['one mask for all rows', SMALL, ({ T, S }) => causalMask(T, S)],
    [
      'a mask for each row',
      SMALL,
      ({ B, T }) =>
        segmentMask(
          tf
            .range(0, B * T)
            .div(40)
            .floor()
            .reshape([B, T]),
        ),
    ],
    [
      'a mask for each row, the same for its queries',
      SMALL,
      ({ B, S }) =>
        paddingMask(
          tf
            .range(0, B * S)
            .mod(3)
            .greater(0)
            .reshape([B, S]),
        ),
    ],
    ['a mask of whole numbers', SMALL, ({ T, S }) => causalMask(T, S).toInt()],
    ['a mask of one row', SMALL, ({ S }) => tf.range(0, S).mod(2).mul(-3).reshape([1, 1, 1, S])],
    ['no mask', SMALL, () => undefined],
    ['more keys than are worked on at a time', { B: 2, H: 1, K: 1, T: 21, S: 2501, D: 8 }, ({ T, S }) => causalMask(T, S)],
    ['few keys', { B: 4, H: 9, K: 3, T: 256, S: 10, D: 8 }, () => undefined],
  ])('has its softmax in a kernel, forward and back, with the values of the operations: %s', (_, sizes, maskOf) => {
    withKernelsInFloat32();
    tf.tidy(() => {
      const valueAndSlopes = attentionUnder(maskOf(sizes));
      const inputs = inputsOf(sizes);
      const { results, kernels } = compiled(valueAndSlopes, inputs);
      expect(kernels).toEqual(new Set(['masked_softmax', 'masked_softmax_gradient']));
      for (const [i, expected] of valueAndSlopes(...inputs).entries()) {
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeLessThan(1e-5);
        expect(expected.abs().mean().dataSync()[0]).toBeGreaterThan(1e-4);
      }
    });
  });

  test('a query that may look nowhere looks everywhere alike, and what is not a number stays in its row', () => {
    withKernelsInFloat32();
    tf.tidy(() => {
      const [q, k, v] = inputsOf(SMALL) as [tf.Tensor, tf.Tensor4D, tf.Tensor4D];
      const isLost = tf.range(0, SMALL.T).equal(5).reshape([1, 1, SMALL.T, 1]);
      const queries = tf.where(tf.broadcastTo(isLost, q.shape), tf.fill([3, 4, 75, 6], Number.NaN), q) as tf.Tensor4D;
      const mask = causalMask(SMALL.T).add(tf.range(0, SMALL.T).equal(9).toFloat().mul(-1e9).reshape([1, 1, SMALL.T, 1]));
      const { results } = compiled((given) => [scaledDotProduct(given as tf.Tensor4D, k, v, { mask })], [queries]);
      const row = (t: number) => [...(results[0] as tf.Tensor4D).slice([0, 0, t, 0], [1, 1, 1, -1]).dataSync()];
      const means = (v.slice([0, 0, 0, 0], [1, 1, 10, -1]).mean(2) as tf.Tensor).dataSync();
      expect(row(5)).toEqual(row(5).map(() => Number.NaN));
      expect(row(9)).toEqual([...means].map((mean) => expect.closeTo(mean, 5)));
      expect([...row(4), ...row(6)].every(Number.isFinite)).toBe(true);
    });
  });

  test('takes scores and gives weights and slopes in bfloat16 where products have that', () => {
    tf.tidy(() => {
      const valueAndSlopes = attentionUnder(causalMask(SMALL.T));
      const inputs = inputsOf(SMALL);
      const { results, types } = compiled(valueAndSlopes, inputs, 'bfloat16');
      expect(types).toEqual(new Set(['bf16 f32 bf16', 'bf16 bf16 bf16']));
      for (const [i, expected] of valueAndSlopes(...inputs).entries()) {
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeLessThan(0.03);
        expect(relativeError(results[i] as tf.Tensor, expected)).toBeGreaterThan(1e-5);
      }
    });
  });

  test('is TensorFlow’s operations on a GPU, for few scores, in float32, and under a mask of another kind', async () => {
    const kernelsFor = (sizes: Sizes, mask?: tf.Tensor, precision: 'float32' | 'bfloat16' = 'bfloat16') =>
      tf.tidy(() => [...compiled(attentionUnder(mask), inputsOf(sizes), precision).kernels].filter((name) => name.includes('softmax')));
    expect(kernelsFor(SMALL)).toEqual(['masked_softmax', 'masked_softmax_gradient']);
    expect(kernelsFor(SMALL, undefined, 'float32')).toEqual([]);
    expect(await asOnGpu(() => kernelsFor(SMALL))).toEqual([]);
    expect(kernelsFor({ ...SMALL, T: 7 })).toEqual([]);
    const byHead = random([1, SMALL.H, 1, SMALL.S], 5);
    expect(kernelsFor(SMALL, byHead)).toEqual([]);
    byHead.dispose();
  });
});
