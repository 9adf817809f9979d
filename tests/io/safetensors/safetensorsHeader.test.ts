import fs from 'node:fs';
import { FormatError, readSafetensors } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { SafetensorsError } from '../../../lib/lowrank/src/io';
import { seededRandom } from '../../../lib/lowrank/src/runtime';
import { temporaryFolder } from '../temporaryFolder';

const path = temporaryFolder();

function fileOf(header: string | Uint8Array, data = new Uint8Array(), claimedLength?: bigint): Uint8Array {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claimedLength ?? BigInt(text.byteLength));
  return Buffer.concat([length, text, data]);
}

function open(bytes: Uint8Array) {
  fs.writeFileSync(path('case'), bytes);
  return readSafetensors(path('case'));
}

const entry = (begin: unknown, end: unknown, shape: unknown = [2], dtype = 'F32') =>
  `{"dtype":"${dtype}","shape":${JSON.stringify(shape)},"data_offsets":[${begin},${end}]}`;
const good = `{"a":${entry(0, 8)},"b":${entry(8, 16)}}`;
const data = new Uint8Array(16);

describe('a malformed file is refused with its path, place and reason', () => {
  const long = BigInt(good.length);
  const cases: Record<string, [bytes: Uint8Array, reason: RegExp]> = {
    'an empty file': [new Uint8Array(), /0 bytes, but the length of a header alone takes 8/],
    'seven bytes': [new Uint8Array(7), /truncated/],
    'a header length beyond the format': [fileOf(good, data, 100_000_001n), /more than the 100000000/],
    'a header length of 2^64 - 1': [fileOf(good, data, 2n ** 64n - 1n), /more than the 100000000/],
    'a header length of 2^63': [fileOf(good, data, 2n ** 63n), /more than/],
    'a header that passes the end of the file': [fileOf(good, data, long + 17n), /file ends at/],
    'no header at all': [fileOf(''), /does not begin with '{'/],
    'a header that begins with a space': [fileOf(` ${good}`, data), /does not begin with '{'/],
    'a header that is an array': [fileOf('[]'), /does not begin with '{'/],
    'a byte order mark': [fileOf(`\uFEFF${good}`, data), /does not begin with '{'/],
    'bytes that are not UTF-8': [fileOf(Buffer.concat([Buffer.from('{"'), Buffer.from([0xff]), Buffer.from('":1}')])), /not UTF-8/],
    'text that is not JSON': [fileOf('{"a":}'), /expected a JSON value/],
    'text after the JSON': [fileOf(`${good}{}`, data), /text after/],
    'a header that does not end': [fileOf('{"a":'), /expected/],
    'a trailing comma': [fileOf(`${good.slice(0, -1)},}`, data), /expected a string/],
    'a control character in a name': [fileOf('{"a\n":1}'), /control character/],
    'half of a surrogate pair in a name': [fileOf('{"\\ud800":1}'), /surrogate/],
    'an escape that JSON does not have': [fileOf('{"\\x":1}'), /escape/],
    'a key given twice': [fileOf(`{"a":${entry(0, 8)},"a":${entry(0, 8)}}`, new Uint8Array(8)), /"a" occurs twice/],
    'a key given twice, once escaped': [fileOf(`{"a":${entry(0, 8)},"\\u0061":${entry(0, 8)}}`, new Uint8Array(8)), /occurs twice/],
    'a field given twice': [fileOf(`{"a":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}}`, new Uint8Array(1)), /occurs twice/],
    'nesting without end': [fileOf(`{"a":${'['.repeat(100_000)}`), /nesting/],
    'a metadata value that is not a string': [fileOf('{"__metadata__":{"a":1}}'), /"a" in __metadata__ is not a string/],
    'metadata that is not an object': [fileOf('{"__metadata__":"x"}'), /not an object/],
    'an entry that is not an object': [fileOf('{"a":3}'), /"a" is not an object/],
    'an unknown dtype': [fileOf(`{"a":${entry(0, 8, [2], 'F33')}}`, new Uint8Array(8)), /dtype "F33"; supported dtypes are/],
    'a dtype named like a method': [fileOf(`{"a":${entry(0, 8, [2], 'toString')}}`, new Uint8Array(8)), /dtype "toString"/],
    'no dtype': [fileOf('{"a":{"shape":[],"data_offsets":[0,1]}}', new Uint8Array(1)), /dtype undefined/],
    'no shape': [fileOf('{"a":{"dtype":"U8","data_offsets":[0,1]}}', new Uint8Array(1)), /not a list of whole numbers/],
    'a negative dimension': [fileOf(`{"a":${entry(0, 8, [-2])}}`, new Uint8Array(8)), /whole numbers/],
    'a fractional dimension': [fileOf('{"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}', new Uint8Array(8)), /whole numbers/],
    'a dimension with an exponent': [
      fileOf('{"a":{"dtype":"F32","shape":[2e0],"data_offsets":[0,8]}}', new Uint8Array(8)),
      /whole numbers/,
    ],
    'an offset of minus zero': [fileOf(`{"a":${entry('-0', 8)}}`, new Uint8Array(8)), /two whole numbers/],
    'a negative offset': [fileOf(`{"a":${entry(-8, 0)}}`, new Uint8Array(8)), /two whole numbers/],
    'an offset above 2^53': [fileOf(`{"a":${entry(0, '9007199254740993')}}`, new Uint8Array(8)), /two whole numbers/],
    'an offset of a thousand digits': [fileOf(`{"a":${entry(0, '9'.repeat(1000))}}`, new Uint8Array(8)), /two whole numbers/],
    'three offsets': [fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1,1]}}', new Uint8Array(1)), /two whole numbers/],
    'an end before the begin': [fileOf(`{"a":${entry(8, 0)}}`, new Uint8Array(8)), /span -8/],
    'a shape whose product overflows': [fileOf(`{"a":${entry(0, 8, [2 ** 32, 2 ** 32, 2 ** 32])}}`, new Uint8Array(8)), /span 8/],
    'a shape whose product wraps to the right size': [fileOf(`{"a":${entry(0, 0, [2 ** 32, 2 ** 30])}}`), /span 0/],
    'a hole': [fileOf(`{"a":${entry(0, 8)},"b":${entry(12, 20)}}`, new Uint8Array(20)), /gaps and overlaps are not allowed/],
    'a hole at the start': [fileOf(`{"a":${entry(4, 12)}}`, new Uint8Array(12)), /gaps and overlaps are not allowed/],
    'an overlap': [fileOf(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, new Uint8Array(12)), /gaps and overlaps are not allowed/],
    'two tensors in one place': [fileOf(`{"a":${entry(0, 8)},"b":${entry(0, 8)}}`, new Uint8Array(8)), /gaps and overlaps are not allowed/],
    'a file one byte short': [fileOf(good, new Uint8Array(15)), /may be truncated/],
    'a file one byte long': [fileOf(good, new Uint8Array(17)), /belong to no tensor/],
  };
  for (const [name, [bytes, reason]] of Object.entries(cases)) {
    test(name, () => {
      expect(() => open(bytes)).toRefuse(SafetensorsError, reason);
      expect(() => open(bytes)).toThrow(/case, byte \d+: /);
    });
  }

  test('a hundred thousand tensors in one place', () => {
    const entries = Array.from({ length: 100_000 }, (_, i) => `"${i}":${entry(0, 8)}`);
    expect(() => open(fileOf(`{${entries.join(',')}}`, new Uint8Array(8)))).toThrow(/gaps and overlaps are not allowed/);
  });

  test('no file, and a folder', () => {
    expect(() => readSafetensors(path('missing'))).toRefuse(FormatError, /missing.*ENOENT.*check the path/);
    expect(() => readSafetensors(path('.'))).toThrow(/not a regular file/);
  });
});

test('odd but valid files are read', () => {
  expect(open(fileOf('{}')).names).toEqual([]);
  expect(open(fileOf(`${good}   \n`, data)).names).toEqual(['a', 'b']);
  expect(open(fileOf(`{"b":${entry(8, 16)},"a":${entry(0, 8)}}`, data)).names).toEqual(['b', 'a']);
  expect(open(fileOf(`{"a":{"data_offsets":[0,0],"more":[1e3,{}],"shape":[0,9007199254740991],"dtype":"U8"}}`)).info('a').shape).toEqual([
    0,
    2 ** 53 - 1,
  ]);
});

test('names that are special in JavaScript are names like others', () => {
  const names = ['__proto__', 'constructor', 'prototype', 'toString', ''];
  const tensors = names.map((name, i) => `"${name}":${entry(i, i + 1, [], 'U8')}`);
  const file = open(fileOf(`{"__metadata__":{"__proto__":"x"},${tensors.join(',')}}`, Uint8Array.of(1, 2, 3, 4, 5)));
  expect(file.names).toEqual(names);
  expect([...file.toFloat32('__proto__')]).toEqual([1]);
  expect(Object.entries(file.metadata)).toEqual([['__proto__', 'x']]);
  expect(Reflect.get({}, 'x')).toBeUndefined();
});

test('two thousand random mutations are read or refused, never anything else', () => {
  const random = seededRandom(20_251);
  const pick = (below: number) => Math.floor(random() * below);
  const base = fileOf(`{"__metadata__":{"format":"pt"},"a":${entry(0, 8)},"b":${entry(8, 16)},"c":${entry(16, 16, [0])}}`, data);
  let refused = 0;
  for (let round = 0; round < 2000; round++) {
    let bytes = Buffer.from(base);
    for (let change = 0; change <= pick(3); change++) {
      const at = pick(bytes.length);
      const kind = pick(4);
      if (kind === 0) bytes[at] = pick(256);
      else if (kind === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
      else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from('"{}[],:0-9'[pick(10)] ?? ''), bytes.subarray(at)]);
      else bytes = bytes.subarray(0, at);
      if (bytes.length === 0) break;
    }
    try {
      const file = open(bytes);
      for (const name of file.names) file.toFloat32(name);
    } catch (error) {
      expect(error).toBeInstanceOf(SafetensorsError);
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(1200);
  expect(refused).toBeLessThan(2000);
});

describe('a header that is small on disk and large in memory is refused at once', () => {
  const entries = (count: number) =>
    Array.from({ length: count }, (_, i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`).join(',');
  test.each([
    ['a list of empty objects', `{"a":[${'{},'.repeat(10_000_000)}{}]}`, /byte \d+: .*more than 5000 values/],
    ['entries without end', `{${entries(140_000)}}`, /more than 131072 entries/],
    ['a shape of a thousand dimensions', `{"a":{"dtype":"U8","shape":[${'1,'.repeat(999)}1],"data_offsets":[0,1]}}`, /1000 dimensions/],
    ['one string without end', `{"${'a'.repeat(40_000_000)}":1}`, /a string is longer than/],
    ['one number without end', `{"a":${'1'.repeat(40_000_000)}}`, /a number is too long/],
  ])('%s', (_, header, reason) => {
    const bytes = fileOf(header);
    fs.writeFileSync(path('bomb'), bytes);
    const before = process.memoryUsage();
    const start = process.cpuUsage();
    expect(() => readSafetensors(path('bomb'))).toThrow(reason);
    expect(process.cpuUsage(start).user).toBeLessThan(3_000_000); // a moment of this process, however busy the machine is
    expect(process.memoryUsage().heapTotal - before.heapTotal).toBeLessThan(2 * bytes.length + 2 ** 27);
  });
});
