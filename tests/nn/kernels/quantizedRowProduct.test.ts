import { compile, tf, UnsupportedError } from 'lowrank';
import { describe, expect, test } from 'vitest';
import {
  Bfloat16Weight,
  GgufWeight,
  Int8Weight,
  packWeight,
  QuantizedLinear,
  type QuantizedWeight,
  rowsOf,
} from '../../../lib/lowrank/src/nn';
import { rowProduct } from '../../../lib/lowrank/src/nn/kernels/rowProduct';
import { asOnGpu, graphTypes, withBinding } from '../../runtime/compile/bindingSpies';
import { randomTensor, values } from '../quantized/golden';

const [O, I] = [260, 288];

/** Blocks of random codes; a third of the scales are 2^-15, which is subnormal as a 16-bit float. */
function blocks(format: 'Q4_0' | 'Q8_0', blockBytes: number): GgufWeight {
  const bytes = new Uint8Array(O * (I / 32) * blockBytes).map((_, at) => (at * 7919 + (at >> 5) * 104_729) % 251);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; at += blockBytes)
    view.setUint16(at, (at / blockBytes) % 3 === 0 ? 0x0200 : 0x2000 + (at % 0x500), true);
  return GgufWeight.fromBytes(format, [O, I], bytes);
}

const WEIGHTS: Record<string, () => QuantizedWeight> = {
  bfloat16: () => Bfloat16Weight.pack(rowsOf(randomTensor([O, I], 1))),
  'bfloat16 of an odd width': () => Bfloat16Weight.pack(rowsOf(randomTensor([301, 275], 1))),
  int8: () => Int8Weight.pack(rowsOf(randomTensor([O, I], 1))),
  'int8 of an odd width': () => Int8Weight.pack(rowsOf(randomTensor([301, 275], 1))),
  'int8 of a great and odd width': () => Int8Weight.pack(rowsOf(randomTensor([61, 2075], 1))),
  Q4_1: () => GgufWeight.packQ4_1(rowsOf(randomTensor([O, I], 1))),
  'Q4_1 of an odd number of rows': () => GgufWeight.packQ4_1(rowsOf(randomTensor([261, I], 1))),
  Q4_0: () => blocks('Q4_0', 18),
  Q8_0: () => blocks('Q8_0', 34),
};

/** A layer's product in a function that XLA compiles, and the bytes that the function moves. */
function compiled(weight: QuantizedWeight, x: tf.Tensor): { y: tf.Tensor; bytes: number; flops: number } {
  const layer = new QuantizedLinear(weight);
  const run = compile((input: tf.Tensor) => layer.forward(input), { xla: true });
  const y = run(x);
  const [{ bytes = 0, flops = 0 } = {}] = run.inspect();
  run.dispose();
  return { y, bytes, flops };
}

/** With a binding of a set-up before there were such products. */
function withoutNativePart<T>(run: () => T): T {
  return withBinding({ xlaHasKernels: undefined }, run);
}

/** The largest difference, as a part of the largest expected value. */
function gap(own: tf.Tensor, expected: tf.Tensor): number {
  const [difference = Number.NaN, largest = Number.NaN] = values(tf.stack([own.sub(expected).abs().max(), expected.abs().max()]));
  expect(largest).toBeGreaterThan(0.1);
  return difference / largest;
}

describe.each(Object.keys(WEIGHTS))('a native product with %s', (name) => {
  const weight = WEIGHTS[name]?.() as QuantizedWeight;

  test.each([1, 3, 8, 9, 10, 16, 64])('of %i rows is that with the unpacked values, from the packed bytes alone', (rows) => {
    const x = randomTensor([1, rows, weight.columns], 2);
    const { y, bytes, flops } = compiled(weight, x);
    expect(y.shape).toEqual([1, rows, weight.rows]);
    expect(gap(y, tf.matMul(x.squeeze([0]), weight.unpack(), false, true).expandDims(0))).toBeLessThan(2e-6);
    expect(flops).toBe(2 * rows * weight.size);
    expect(bytes).toBe(weight.byteLength + 4 * rows * (weight.rows + weight.columns));
  });

  test('is not taken for many rows, nor without the native part, and gives the same there', () => {
    const unpacked = 4 * weight.size;
    expect(compiled(weight, randomTensor([65, weight.columns], 2)).bytes).toBeGreaterThan(unpacked);
    const x = randomTensor([2, weight.columns], 2);
    const without = withoutNativePart(() => compiled(weight, x));
    expect(without.bytes).toBeGreaterThan(unpacked);
    expect(gap(compiled(weight, x).y, without.y)).toBeLessThan(2e-6);
  });

  test.each([32, -32])('refuses an input whose width differs by %i', (more) => {
    expect(() => compiled(weight, randomTensor([2, weight.columns + more], 2))).toThrow(/a last axis of width/);
  });

  test('is not taken under a gradient, which flows to the input', () => {
    const layer = new QuantizedLinear(weight);
    const x = randomTensor([2, weight.columns], 3);
    const run = compile((input: tf.Tensor) => layer.forward(input), { xla: true });
    const slope = (forward: (input: tf.Tensor) => tf.Tensor) => tf.grad((input: tf.Tensor) => forward(input).square().sum())(x);
    expect(
      gap(
        slope(run),
        slope((input) => layer.forward(input)),
      ),
    ).toBeLessThan(1e-5);
    run.dispose();
  });
});

describe.each([...Object.keys(WEIGHTS), 'nf4'])('on a GPU, a product with %s', (name) => {
  const weight = WEIGHTS[name]?.() ?? packWeight('nf4', rowsOf(randomTensor([O, I], 1)));
  const product = (x: tf.Tensor) => asOnGpu(() => graphTypes(() => compiled(weight, x)));

  test('of one row is sums over the unpacked values, which need no matrix product', async () => {
    const x = randomTensor([1, 1, weight.columns], 2);
    const { result, types } = await product(x);
    expect(types).not.toContain('BatchMatMulV2');
    expect(result.y.shape).toEqual([1, 1, weight.rows]);
    expect(gap(result.y, tf.matMul(x.squeeze([0]), weight.unpack(), false, true).expandDims(0))).toBeLessThan(2e-6);
  });

  test('of two rows is a matrix product', async () => {
    const x = randomTensor([2, weight.columns], 2);
    const { result, types } = await product(x);
    expect(types).toContain('BatchMatMulV2');
    expect(gap(result.y, tf.matMul(x, weight.unpack(), false, true))).toBeLessThan(2e-6);
  });
});

test.each([1, 5, 11])('%i long rows of inputs that are all of one sign are multiplied as exactly', (rows) => {
  const weight = GgufWeight.packQ4_1(rowsOf(randomTensor([64, 16384], 1)));
  const x = randomTensor([1, rows, 16384], 2).add(3);
  expect(gap(compiled(weight, x).y, tf.matMul(x.squeeze([0]), weight.unpack(), false, true).expandDims(0))).toBeLessThan(2e-6);
});

test('a weight of few values, and a format without a native product, take the common way', () => {
  const small = compiled(packWeight('int8', rowsOf(randomTensor([64, 64], 1))), randomTensor([1, 64], 2));
  expect(small.bytes).toBeGreaterThan(4 * 64 * 64);
  const nf4 = packWeight('nf4', rowsOf(randomTensor([O, I], 1)));
  const x = randomTensor([1, I], 2);
  const { y, bytes } = compiled(nf4, x);
  expect(bytes).toBeGreaterThan(4 * O * I);
  expect(gap(y, x.matMul(nf4.unpack(), false, true))).toBeLessThan(2e-6);
});

test('a native product outside of a function that XLA compiles is refused', () => {
  const weight = Bfloat16Weight.pack(rowsOf(randomTensor([4, 32], 1)));
  const product = (x: tf.Tensor) => rowProduct(x, { ...weight.rowParts, inFeatures: weight.columns, outFeatures: 4 });
  const message = 'a native product of rows can only be in a function that XLA compiles for the CPU, and has no gradient';
  expect(() => product(randomTensor([1, 32], 2))).toThrow(new UnsupportedError(message));
  expect(() => compile(product)(randomTensor([1, 32], 2))).toThrow(message);
});
