import { tf, UnsupportedError } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { Bfloat16Weight, GgufWeight, Int8Weight, Nf4Weight, type QuantizedWeight, rowsOf } from '../../../lib/lowrank/src/nn';
import { DYNAMIC_CODE } from '../../../lib/lowrank/src/nn/quantized/nf4Codes';
import { bfloat16Code, float16Code } from '../../../lib/lowrank/src/nn/quantized/rounding';
import { bytes, floats, golden, packedBytes, rows, trimRows, values } from './golden';

const SMALL = ['whole', 'ragged', 'special'] as const;
const BLOCKS = ['whole', 'special'] as const;

/** The weight of a case, as a packer reads it. */
function rowsOfCase(name: (typeof SMALL)[number]) {
  const { shape, weight } = golden[name];
  return rows(shape, floats(weight));
}

/** Takes on torch's mean of the scales, and what depends on it: torch sums in float32, in an order of its own. */
function takeNested(weight: Nf4Weight, expected: { offset: number; nestedAbsmax: string }): void {
  const nested = floats(expected.nestedAbsmax);
  expect(weight.nestedOffset.dataSync()[0]).toBeCloseTo(expected.offset, 6);
  expect(weight.nestedAbsmax.shape).toEqual([nested.length, 1]);
  for (const [run, scale] of weight.nestedAbsmax.dataSync().entries()) expect(scale).toBeCloseTo(nested[run] ?? Number.NaN, 6);
  tf.tidy(() => weight.nestedOffset.assign(tf.tensor1d([expected.offset])));
  tf.tidy(() => weight.nestedAbsmax.assign(tf.tensor2d(nested, [nested.length, 1])));
}

describe('NF4 with double quantisation', () => {
  test.each(SMALL)("has bitsandbytes' bytes and values (%s)", (name) => {
    const expected = golden[name].nf4;
    const weight = Nf4Weight.pack(rowsOfCase(name));
    expect(packedBytes(weight.words).subarray(0, bytes(expected.codes).length)).toEqual(bytes(expected.codes));
    expect(packedBytes(weight.absmax).subarray(0, bytes(expected.absmax).length)).toEqual(bytes(expected.absmax));
    takeNested(weight, expected);
    expect(values(weight.unpack())).toEqual(floats(expected.values));
    weight.dispose();
  });

  test('goes on from row to row, and has a scale of scales for each 256', () => {
    const { shape, steps, nf4 } = golden.straddling;
    const weight = Nf4Weight.pack(
      rows(
        shape,
        Float32Array.from(new Int16Array(bytes(steps).buffer), (step) => step / 65536),
      ),
    );
    expect(packedBytes(weight.words)).toEqual(bytes(nf4.codes));
    expect(packedBytes(weight.absmax).subarray(0, bytes(nf4.absmax).length)).toEqual(bytes(nf4.absmax));
    takeNested(weight, nf4);
    expect(values(weight.unpack()).slice(-2048)).toEqual(floats(nf4.values));
    expect(weight.byteLength).toBeLessThan((4.2 / 8) * weight.size + 256);
    weight.dispose();
  });

  test('reads its scales by the dynamic code of bitsandbytes', () => {
    expect(DYNAMIC_CODE).toEqual(floats(golden.dynamicCode));
  });
});

describe('int8', () => {
  test.each(SMALL)("has bitsandbytes' bytes and values (%s)", (name) => {
    const { shape, int8 } = golden[name];
    const [O = 0, I = 0] = shape;
    const weight = Int8Weight.pack(rowsOfCase(name));
    expect(trimRows(packedBytes(weight.words), O, I)).toEqual(bytes(int8.codes));
    expect(values(weight.scales.clone())).toEqual(floats(int8.scales));
    expect(values(weight.unpack())).toEqual(floats(int8.values));
    weight.dispose();
  });
});

describe('GGUF blocks', () => {
  test.each(BLOCKS.flatMap((name) => (['Q4_0', 'Q4_1', 'Q8_0'] as const).map((type) => [name, type] as const)))(
    "give llama.cpp's values (%s, %s)",
    (name, type) => {
      const { shape } = golden[name];
      const expected = golden[name][type];
      const weight = GgufWeight.fromBytes(type, shape as [number, number], bytes(expected.blocks));
      expect(values(weight.unpack())).toEqual(floats(expected.values));
      weight.dispose();
    },
  );

  test('of Q8_0 end on whole words although a block has 34 bytes', () => {
    const blocks = bytes(golden.special.Q8_0.blocks).slice(0, 34 * 3);
    const weight = GgufWeight.fromBytes('Q8_0', [3, 32], blocks);
    expect(weight.words.shape).toEqual([3, 9]);
    expect(values(weight.unpack())).toEqual(floats(golden.special.Q8_0.values).slice(0, 96));
    weight.dispose();
  });

  test.each(BLOCKS)('of Q4_1 are made as llama.cpp makes them (%s)', (name) => {
    const weight = GgufWeight.packQ4_1(rowsOfCase(name));
    expect(packedBytes(weight.words)).toEqual(bytes(golden[name].Q4_1.blocks));
    weight.dispose();
  });

  test('take no rows that are not whole blocks', () => {
    expect(() => GgufWeight.packQ4_1(rowsOfCase('ragged'))).toThrow(UnsupportedError);
  });
});

describe('16 bits', () => {
  test.each(SMALL)("are torch's bfloat16 (%s)", (name) => {
    const { shape, bfloat16 } = golden[name];
    const [O = 0, I = 0] = shape;
    const weight = Bfloat16Weight.pack(rowsOfCase(name));
    expect(trimRows(packedBytes(weight.words), O, 2 * I)).toEqual(bytes(bfloat16));
    const expected = Float32Array.from(
      new Uint16Array(bytes(bfloat16).buffer),
      (code) => new Float32Array(Uint32Array.of(code << 16).buffer)[0] ?? 0,
    );
    expect(values(weight.unpack())).toEqual(expected);
    const same = Bfloat16Weight.fromBytes([O, I], bytes(bfloat16));
    expect(packedBytes(same.words)).toEqual(packedBytes(weight.words));
    same.dispose();
    weight.dispose();
  });

  test.each([6, 7])('are rounded on the device to the words that the host makes, for rows of %i values', (width) => {
    const given = tf.randomNormal([5, width], 0, 1, 'float32', 3) as tf.Tensor2D;
    const weight = Bfloat16Weight.fromTensor(given);
    expect(packedBytes(weight.words)).toEqual(packedBytes(Bfloat16Weight.pack(rowsOf(given)).words));
    expect(weight.shape).toEqual([5, width]);
  });

  test.each(SMALL)("are torch's float16 (%s)", (name) => {
    const expected = new Uint16Array(bytes(golden[name].float16).buffer);
    expect(Uint16Array.from(floats(golden[name].weight), float16Code)).toEqual(expected);
  });

  test('round to even, to infinity, and keep NaN', () => {
    const ulp = 2 ** -8; // of bfloat16 just below 1 … 2
    expect([1, 1 + ulp / 2, 1 + 1.5 * ulp, Infinity, -Infinity].map(bfloat16Code)).toEqual([0x3f80, 0x3f80, 0x3f81, 0x7f80, 0xff80]);
    expect(bfloat16Code(Number.NaN) & 0x7fff).toBeGreaterThan(0x7f80);
    expect(bfloat16Code(3.4e38)).toBe(0x7f80);
    expect([65504, 65519.996, 65520, -65520, 2 ** -24, 2 ** -25, 1.5 * 2 ** -24].map(float16Code)).toEqual([
      0x7bff, 0x7bff, 0x7c00, 0xfc00, 1, 0, 2,
    ]);
    expect(float16Code(Number.NaN)).toBe(0x7e00);
  });
});

describe.each([
  ['bfloat16', (r) => Bfloat16Weight.pack(r)],
  ['int8', (r) => Int8Weight.pack(r)],
  ['q4_1', (r) => GgufWeight.packQ4_1(r)],
] as [string, (r: ReturnType<typeof rows>) => Bfloat16Weight | Int8Weight | GgufWeight][])('a table in %s', (_, pack) => {
  test('unpacks some of its rows as it unpacks them all', () => {
    const weight = pack(rowsOfCase('whole'));
    const all = weight.unpack();
    const ids = tf.tensor1d([4, 0, 4], 'int32');
    expect(values(weight.unpackRows(ids))).toEqual(values(tf.gather(all, ids)));
    weight.dispose();
  });
});

describe.each([
  ['nf4', (r) => Nf4Weight.pack(r)],
  ['bfloat16', (r) => Bfloat16Weight.pack(r)],
  ['int8', (r) => Int8Weight.pack(r)],
  ['q4_1', (r) => GgufWeight.packQ4_1(r)],
] as [string, (r: ReturnType<typeof rows>) => QuantizedWeight][])('a weight in %s', (_, pack) => {
  test('takes on other values, rounded as if they had been packed', () => {
    const weight = pack(rowsOfCase('special'));
    const other = pack(rows([4, 64], floats(golden.whole.weight).slice(0, 256)));
    weight.assign(tf.tensor2d(floats(golden.whole.weight).slice(0, 256), [4, 64]));
    expect(values(weight.unpack())).toEqual(values(other.unpack()));
    expect(() => weight.assign(tf.zeros([64, 4]))).toThrow(/shape/);
  });

  test('leaves no tensors behind, and frees what it holds', () => {
    const before = tf.memory().numTensors;
    const weight = pack(rowsOfCase('whole'));
    const held = [...weight.ownParameters()].length;
    tf.tidy(() => void weight.unpack());
    expect(tf.memory().numTensors).toBe(before + held);
    expect([...weight.ownParameters()].every(([, variable]) => !variable.trainable)).toBe(true);
    weight.dispose();
    expect(weight.isDisposed).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  });
});
