import fs from 'node:fs';
import { FormatError, readGguf, UnsupportedError } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { GgufError } from '../../../lib/lowrank/src/io';
import { seededRandom } from '../../../lib/lowrank/src/runtime';
import { array, type Entry, type Field, float32, GGUF, ggufFile, type Parts, string, uint32, uint64 } from '../ggufFile';
import { temporaryFolder } from '../temporaryFolder';

const path = temporaryFolder();

async function open(bytes: Uint8Array) {
  fs.writeFileSync(path('case'), bytes);
  return readGguf(path('case'));
}

const name: Field = ['general.name', GGUF.string, string('tiny')];
const a: Entry = { name: 'a', dimensions: [2, 3], type: 0, offset: 0 };
const b: Entry = { name: 'b', dimensions: [32], type: 8, offset: 32 };
const values = [1, 2, 3, 4, 5, 6];
const block = Buffer.concat([Uint8Array.of(0, 0x40), Uint8Array.from({ length: 32 }, (_, i) => i - 16)]); // d = 2 as a half
const data = Buffer.concat([...values.map(float32), new Uint8Array(8), block]);
const good: Parts = { fields: [name], entries: [a, b], data };

test('metadata of every type and tensors are read', async () => {
  const fields: Field[] = [
    name,
    ['u8', GGUF.uint8, Uint8Array.of(200)],
    ['i8', GGUF.int8, Uint8Array.of(200)],
    ['f32', GGUF.float32, float32(0.5)],
    ['yes', GGUF.bool, Uint8Array.of(1)],
    ['u64', GGUF.uint64, uint64(5)],
    ['large', GGUF.uint64, uint64(2n ** 63n + 1n)],
    ['texts', GGUF.array, array(GGUF.string, [string('x'), string(''), string('ü')])],
    ['numbers', GGUF.array, array(GGUF.int32, [uint32(7), uint32(2 ** 32 - 1)])],
    ['none', GGUF.array, array(GGUF.uint32, [])],
  ];
  const file = await open(ggufFile({ ...good, fields }));
  const expected = {
    u8: 200,
    i8: -56,
    f32: 0.5,
    yes: true,
    u64: 5,
    large: 2n ** 63n + 1n,
    texts: ['x', '', 'ü'],
    numbers: [7, -1],
    none: [],
  };
  expect(Object.fromEntries(file.metadata)).toMatchObject({ 'general.name': 'tiny', ...expected });
  expect([...file.tensors.keys()]).toEqual(['a', 'b']);
  expect(file.info('a')).toMatchObject({ type: 'F32', shape: [3, 2] });
  expect([...file.toFloat32('a')]).toEqual(values);
  expect([...file.toFloat32('b')]).toEqual(Array.from({ length: 32 }, (_, i) => 2 * (i - 16)));
  expect(() => file.read('c')).toThrow("no tensor 'c'");
});

test('a wider alignment, an empty file and a tensor without elements are valid', async () => {
  const wide: Field = ['general.alignment', GGUF.uint32, uint32(64)];
  const entries = [a, { ...b, offset: 64 }];
  const file = await open(
    ggufFile({ fields: [wide], entries, alignment: 64, data: Buffer.concat([data.subarray(0, 32), new Uint8Array(32), block]) }),
  );
  expect(file.toFloat32('b')[0]).toBe(-32);
  expect((await open(ggufFile({}))).tensors.size).toBe(0);
  const none = await open(ggufFile({ entries: [{ ...a, dimensions: [2, 0] }] }));
  expect(none.toFloat32('a')).toHaveLength(0);
});

test('long strings, and those that begin with a byte order mark, are read whole', async () => {
  const texts = ['\uFEFF', '\uFEFFx', 'y'.repeat(1_999_700), 'z'.repeat(500)];
  const file = await open(
    ggufFile({
      fields: [
        ['texts', GGUF.array, array(GGUF.string, texts.map(string))],
        ['last', GGUF.string, string('\uFEFFend')],
      ],
    }),
  );
  expect(file.metadata.get('texts')).toEqual(texts);
  expect(file.metadata.get('last')).toBe('\uFEFFend');
});

describe('a malformed file is refused with its path, place and reason', () => {
  const field = (key: string, type: number, value: Uint8Array): Parts => ({ ...good, fields: [[key, type, value]] });
  const tensor = (change: Partial<Entry>): Parts => ({ ...good, entries: [{ ...a, ...change }, b] });
  const longKey = Buffer.concat([ggufFile({ keyCount: 1 }).subarray(0, 24), uint64(-1), new Uint8Array(100)]);
  const longName = Buffer.concat([ggufFile({ tensorCount: 1 }).subarray(0, 24), uint64(-1), new Uint8Array(100)]);
  const cases: Record<string, [bytes: Uint8Array, reason: RegExp]> = {
    'an empty file': [new Uint8Array(), /does not begin with 'GGUF'/],
    'a wrong magic': [ggufFile({ ...good, magic: 'FUGG' }), /does not begin with 'GGUF'/],
    'version 0': [ggufFile({ ...good, version: 0 }), /version 0 is not 2 or 3/],
    'version 1': [ggufFile({ ...good, version: 1 }), /version 1/],
    'a future version': [ggufFile({ ...good, version: 4 }), /version 4/],
    'a big-endian file': [ggufFile({ ...good, version: 3 << 24 }), /little-endian/],
    'a file that ends after its magic': [ggufFile(good).subarray(0, 5), /ends within its header/],
    'minus one tensors': [ggufFile({ ...good, tensorCount: -1 }), /claims 18446744073709551615 tensors/],
    'minus one keys': [ggufFile({ ...good, keyCount: -1 }), /18446744073709551615 metadata entries/],
    'a key length of minus one': [longKey, /18446744073709551615 bytes of a metadata key/],
    'an empty key': [ggufFile(field('', GGUF.uint8, Uint8Array.of(1))), /0 bytes, not 1/],
    'a key too long': [ggufFile(field('k'.repeat(70_000), GGUF.uint8, Uint8Array.of(1))), /70000 bytes, not/],
    'a key with a control character': [ggufFile(field('a\x1b[31m', GGUF.uint8, Uint8Array.of(1))), /printable ASCII/],
    'a key that is a prototype': [ggufFile(field('__proto__', GGUF.uint8, Uint8Array.of(1))), /printable ASCII/],
    'an unknown value type': [ggufFile(field('k', 13, uint64(0))), /unknown type 13/],
    'an array of arrays': [ggufFile(field('k', GGUF.array, array(GGUF.array, []))), /unknown type 9/],
    'a string length of 2^63': [ggufFile(field('k', GGUF.string, uint64(2n ** 63n))), /9223372036854775808 bytes of text in 'k'/],
    'a string that passes the end': [ggufFile(field('k', GGUF.string, uint64(100_000))), /100000 bytes of text/],
    'a list longer than any vocabulary': [
      ggufFile(field('k', GGUF.array, Buffer.concat([uint32(7), uint64(1_000_001), new Uint8Array(1_000_001)]))),
      /1000001 values of 'k' exceed the limit of 1000000/,
    ],
    'an array length of 2^63': [ggufFile(field('k', GGUF.array, Buffer.concat([uint32(4), uint64(2n ** 63n)]))), /values of 'k'/],
    'a string array length of 2^61': [ggufFile(field('k', GGUF.array, Buffer.concat([uint32(8), uint64(2n ** 61n)]))), /strings of 'k'/],
    'a key given twice': [ggufFile({ ...good, fields: [name, name] }), /'general.name' occurs twice/],
    'an alignment of 13': [ggufFile(field('general.alignment', GGUF.uint32, uint32(13))), /power of two/],
    'an alignment of 0': [ggufFile(field('general.alignment', GGUF.uint32, uint32(0))), /power of two/],
    'an alignment of another type': [ggufFile(field('general.alignment', GGUF.uint64, uint64(32))), /power of two of type uint32/],
    'a tensor name length of minus one': [longName, /18446744073709551615 bytes of a tensor name/],
    'a tensor name too long': [ggufFile(tensor({ name: 'n'.repeat(64) })), /64 bytes, not 1…63/],
    'a tensor given twice': [ggufFile(tensor({ name: 'b' })), /'b' occurs twice/],
    'no dimensions': [ggufFile(tensor({ dimensions: [] })), /0 dimensions/],
    'five dimensions': [ggufFile(tensor({ dimensions: [1, 1, 1, 1, 6] })), /5 dimensions/],
    'a negative dimension': [ggufFile(tensor({ dimensions: [2, -3] })), /dimension/],
    'too many elements': [ggufFile(tensor({ dimensions: [2n ** 31n, 2n ** 31n, 2n ** 31n] })), /takes \d+ bytes/],
    'too many bytes': [ggufFile(tensor({ dimensions: [2n ** 31n, 2n ** 31n] })), /takes 18446744073709551616 bytes/],
    'an unknown tensor type': [ggufFile(tensor({ type: 999 })), /unknown type 999/],
    'rows that are no whole blocks': [ggufFile(tensor({ type: 8 })), /rows of 2 values, but Q8_0 has blocks of 32/],
    'an offset that is not aligned': [ggufFile(tensor({ offset: 1 })), /data offset 1; expected 0/],
    'a hole': [ggufFile({ ...good, entries: [a, { ...b, offset: 64 }] }), /data offset 64; expected 32/],
    'two tensors in one place': [ggufFile({ ...good, entries: [a, { ...b, offset: 0 }] }), /expected 32/],
    'an offset of 2^64 - 32': [ggufFile({ ...good, entries: [a, { ...b, offset: -32 }] }), /offset 18446744073709551584/],
    'not enough data': [ggufFile({ ...good, data: data.subarray(0, -1) }), /'b' takes 34 bytes from byte \d+ on, but the file ends at/],
    'an alignment that the offsets do not have': [
      ggufFile({ ...good, fields: [['general.alignment', GGUF.uint32, uint32(64)]] }),
      /32; expected 64/,
    ],
  };
  for (const [title, [bytes, reason]] of Object.entries(cases)) {
    test(title, async () => {
      await expect(open(bytes)).rejects.toRefuse(GgufError, reason);
      await expect(open(bytes)).rejects.toThrow(/case, byte \d+: /);
    });
  }

  test('no file', async () => {
    await expect(readGguf(path('missing.gguf'))).rejects.toRefuse(FormatError, /missing\.gguf.*ENOENT/);
  });

  test('a type that is not read here is unsupported, by name', async () => {
    const open10 = open(ggufFile({ ...good, entries: [{ ...a, type: 10 }] }));
    await expect(open10).rejects.toRefuse(UnsupportedError, /'a' has type Q2_K; supported types are F32/);
  });
});

test('eight hundred random mutations are read or refused, never anything else', async () => {
  const random = seededRandom(20_252);
  const pick = (below: number) => Math.floor(random() * below);
  const texts: Field = ['texts', GGUF.array, array(GGUF.string, [string('x'), string('yy')])];
  const base = ggufFile({ fields: [name, texts], entries: [a, b], data });
  let refused = 0;
  for (let round = 0; round < 800; round++) {
    const bytes = Buffer.from(base);
    for (let change = 0; change <= pick(3); change++) {
      const at = pick(bytes.length - data.length);
      if (pick(2) === 0) bytes[at] = pick(256);
      else bytes.fill(pick(2) * 255, at, at + 1 + pick(8));
    }
    try {
      const file = await open(bytes.subarray(0, pick(10) === 0 ? pick(bytes.length) : bytes.length));
      for (const tensor of file.tensors.keys()) file.toFloat32(tensor);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) expect(error).toBeInstanceOf(GgufError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(400);
  expect(refused).toBeLessThan(800);
});
