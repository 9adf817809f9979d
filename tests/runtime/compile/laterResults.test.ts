/** TensorFlow 2.21 on CPUs fuses a product with a factor `x·c` as if x were its operation's first result. Here it never is. */
import { compile, tf } from 'lowrank';
import { expect, test } from 'vitest';

const random = (shape: [number, number, number, number], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed) as tf.Tensor4D;

const ways: Record<string, (x: tf.Tensor4D) => tf.Tensor[]> = {
  split: (x) => tf.split(x, 2, 2),
  'split unevenly': (x) => tf.split(x, [12, 4], 2),
  unstack: (x) => tf.unstack(x.reshape([3, 2, 2, 8, 8]), 2),
};

test.each(Object.entries(ways))('a scaled part times a matrix plus a bias, where the parts come from %s', (_, partsOf) => {
  const scores = (x: tf.Tensor4D, k: tf.Tensor4D, bias: tf.Tensor) =>
    tf.concat(
      partsOf(x).map((part) => tf.matMul(part.reshape(part.shape).mul(0.5), k, false, true).add(bias)),
      2,
    );
  const inner = compile(scores, { xla: false });
  const outer = compile((...args: Parameters<typeof scores>) => inner(...args), { xla: false });
  tf.tidy(() => {
    const given: Parameters<typeof scores> = [random([3, 2, 16, 8], 1), random([3, 2, 8, 8], 2), random([1, 1, 1, 8], 3)];
    const expected = scores(...given).dataSync();
    for (const run of [inner, outer]) {
      for (const [i, value] of run(...given)
        .dataSync()
        .entries())
        expect(value).toBeCloseTo(expected[i] ?? 0, 4);
    }
  });
});
