import { causalMask, compile, type HiddenKeys, scaledDotProduct, tf } from 'lowrank';
import { expect, test } from 'vitest';
import { seededRandom } from '../../../lib/lowrank/src/runtime';
import { graphShapes } from '../../runtime/compile/bindingSpies';

function random(shape: [number, number, number, number], seed: number): tf.Tensor4D {
  const next = seededRandom(seed);
  return tf.tensor4d(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => next() * 2 - 1),
    shape,
  );
}

/** Attention and its gradients, compiled with so many scores at a time; with the shapes of all that was in the graphs. */
function compiledAttention(maxScores: number, rows: number) {
  const compiled = compile((q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, mask: tf.Tensor) =>
    tf.valueAndGrads((...[a, b, c]: tf.Tensor[]) =>
      scaledDotProduct(a as tf.Tensor4D, b as tf.Tensor4D, c as tf.Tensor4D, { mask, maxScores })
        .square()
        .sum(),
    )([q, k, v]),
  );
  const { result, shapes } = graphShapes(() =>
    compiled(random([2, 4, 10, 6], 1), random([rows, 2, 10, 6], 2), random([rows, 2, 10, 6], 3), causalMask(10)),
  );
  compiled.dispose();
  return { tensors: [result.value, ...result.grads], shapes };
}

test.each([2, 1])('in blocks of queries, result and gradients are those of all scores at once; keys of %i rows', (rows) => {
  tf.tidy(() => {
    const [whole, blocks] = [compiledAttention(10_000, rows), compiledAttention(2 * 4 * 10 * 4, rows)]; // blocks of 4, 4 and 2 queries
    for (const [i, tensor] of blocks.tensors.entries()) {
      const expected = whole.tensors[i]?.dataSync() ?? [];
      expect(Math.max(...expected)).toBeGreaterThan(0.01);
      for (const [at, value] of tensor.dataSync().entries()) expect(value).toBeCloseTo(expected[at] ?? 0, 5);
    }
    expect(whole.shapes).toContain('2,2,20,10'); // two query heads per key head: (B, K, H/K·T, S)
    expect(blocks.shapes).not.toContain('2,2,20,10');
  });
});

test.each([
  [64, 2],
  [64, 4],
  [42, 4],
  [131, 2],
])('a causal attention of %i tokens leaves out what its mask hides; %i key heads for 4 heads', (T, K) => {
  const attention =
    (hides?: HiddenKeys) =>
    (...[q, k, v, mask]: [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor]) =>
      tf.valueAndGrads((...[a, b, c]: tf.Tensor[]) =>
        scaledDotProduct(a as tf.Tensor4D, b as tf.Tensor4D, c as tf.Tensor4D, { mask, hides })
          .square()
          .sum(),
      )([q, k, v]);
  tf.tidy(() => {
    const given = [random([2, 4, T, 6], 1), random([2, K, T, 6], 2), random([2, K, T, 6], 3), causalMask(T)] as const;
    const inner = compile(attention('later'));
    const nested = compile((...args: [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor]) => inner(...args));
    const expected = attention()(...given);
    for (const found of [inner(...given), nested(...given)]) {
      for (const [i, tensor] of [found.value, ...found.grads].entries()) {
        const all = [expected.value, ...expected.grads][i] as tf.Tensor;
        const largest = all.abs().max().dataSync()[0] ?? 0;
        expect(largest).toBeGreaterThan(0.01);
        expect((tensor.sub(all).abs().max().dataSync()[0] ?? Number.NaN) / largest).toBeLessThan(1e-5);
      }
    }
    const report = inner.inspect()[0];
    const whole = compile(attention());
    whole(...given);
    expect(report?.flops).toBeLessThan(0.9 * (whole.inspect()[0]?.flops ?? 0));
  });
});

/** Hides the first of 80 keys. */
const padding = () => tf.tensor1d([-1e9, ...new Array<number>(79).fill(0)]);

test.each<[string, HiddenKeys | undefined, () => tf.Tensor]>([
  [
    'per row, query and key, causal',
    'laterAndOthers',
    () => tf.stack([causalMask(70, 80), causalMask(70, 80).add(padding())]).reshape([2, 1, 70, 80]),
  ],
  ['per row and key', undefined, () => tf.stack([padding(), padding().reverse()]).reshape([2, 1, 1, 80])],
  ['per key', undefined, padding],
  ['of one value', undefined, () => tf.scalar(3)],
])('70 queries of 80 keys go in blocks with a mask %s', (_, hides, maskOf) => {
  tf.tidy(() => {
    const given = [random([2, 4, 70, 6], 1), random([2, 2, 80, 6], 2), random([2, 2, 80, 6], 3), maskOf()] as const;
    const attention = (...[q, k, v, mask]: [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor]) =>
      scaledDotProduct(q, k, v, { mask, hides, maxScores: hides ? undefined : 2 * 4 * 80 * 20 });
    const expected = scaledDotProduct(given[0], given[1], given[2], { mask: given[3] });
    const { result, shapes } = graphShapes(() => compile(attention)(...given));
    expect(shapes).not.toContain('2,2,140,80');
    expect(result.sub(expected).abs().max().dataSync()[0]).toBeLessThan(1e-5);
    expect(expected.abs().max().dataSync()[0]).toBeGreaterThan(0.1);
  });
});

test('a causal mask for all rows costs a block no more than one that is given per row', () => {
  const compiled = compile((q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, mask: tf.Tensor) =>
    scaledDotProduct(q, k, v, { mask, maxScores: 2 ** 20 }),
  );
  const [q, k, v] = [1, 2, 3].map((seed) => random([2, 2, 1024, 64], seed)) as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
  const timeWith = (mask: tf.Tensor) => {
    const run = () => tf.tidy(() => compiled(q, k, v, mask).dataSync());
    run(); // traces
    const began = process.cpuUsage();
    run();
    return process.cpuUsage(began).user; // of the processor, so that other work does not count
  };
  const forAll = causalMask(1024);
  const perRow = timeWith(tf.tile(forAll, [2, 1, 1, 1]));
  expect(timeWith(forAll)).toBeLessThan(20 * perRow); // 200 times as long by oneDNN's reference loop
  compiled.dispose();
});
