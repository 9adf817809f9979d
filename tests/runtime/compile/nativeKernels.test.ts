import { compile, tf } from 'lowrank';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { widened } from '../../../lib/lowrank/src/runtime/compile/graph/numberFormats';
import { asStored } from '../../../lib/lowrank/src/runtime/compile/nativeKernels';
import * as bfloat16Support from '../../../lib/lowrank/src/runtime/device/bfloat16Support';
import { random } from '../../nn/compare';

afterEach(() => vi.restoreAllMocks());

type Move = (product: tf.Tensor2D, other: tf.Tensor2D) => tf.Tensor;

/** What a compiled function finds a moved product of two tensors stored as, and its values. */
function stored(move: Move) {
  vi.spyOn(bfloat16Support, 'hasBfloat16Products').mockReturnValue(true);
  let type = '';
  const moved = compile(
    (a: tf.Tensor, b: tf.Tensor) => {
      const x = move(tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D), a as tf.Tensor2D);
      const [values, is] = asStored(x);
      type = is;
      return widened(values, is);
    },
    { precision: 'bfloat16', xla: false },
  );
  const [a, b] = [random([6, 6], 1), random([6, 6], 2)];
  const product = compile((x: tf.Tensor, y: tf.Tensor) => tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D), {
    precision: 'bfloat16',
    xla: false,
  });
  const [values, expected] = tf.tidy(() =>
    [moved(a, b), move(product(a, b) as tf.Tensor2D, a as tf.Tensor2D)].map((x) => [...x.dataSync()]),
  );
  tf.dispose([a, b]);
  moved.dispose();
  product.dispose();
  return { type, values, expected };
}

describe('what a product gave in bfloat16 is read as that', () => {
  test.each<[string, Move]>([
    ['as it is', (product) => product],
    ['in another shape', (product) => product.reshape([2, 3, 6])],
    ['with its axes in another order', (product) => product.reshape([2, 3, 6]).transpose([2, 0, 1])],
    ['in part', (product) => product.slice([1, 2], [3, 4])],
    ['the second part of several', (product) => tf.split(product, [1, 3, 2], 1)[1] as tf.Tensor],
    ['beside another', (product) => tf.concat([product.slice([0, 0], [2, 6]), product.transpose()], 0)],
  ])('%s', (_, move) => {
    const { type, values, expected } = stored(move);
    expect(type).toBe('bfloat16');
    expect(values).toEqual(expected);
  });

  test.each<[string, Move]>([
    ['not what was computed from it', (product) => product.mul(2)],
    ['not where another stands beside it', (product, other) => tf.concat([product, other], 0)],
  ])('%s', (_, move) => {
    const { type, values, expected } = stored(move);
    expect(type).toBe('float32');
    expect(values).toEqual(expected);
  });
});
