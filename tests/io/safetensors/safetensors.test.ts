import fs from 'node:fs';
import fc from 'fast-check';
import { ArgumentError, readSafetensors, StorageError, type TensorToStore, toFloat32, writeSafetensors } from 'lowrank';
import { expect, test } from 'vitest';
import { bytesPerValue, DTYPES, type Dtype } from '../../../lib/lowrank/src/io/dtypes';
import { python } from '../python';
import { temporaryFolder } from '../temporaryFolder';

const path = temporaryFolder();
const f32 = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

test('Python reads what this writes, byte for byte as its own writer lays it out', () => {
  const dtypes = Object.keys(DTYPES).filter((dtype) => !dtype.startsWith('F8') && dtype !== 'BF16') as Dtype[];
  const tensors = dtypes.map((dtype): [string, TensorToStore] => [
    `the ${dtype} ünï`,
    { dtype, shape: [3, 2], bytes: new Uint8Array(6 * bytesPerValue(dtype)).fill(1) },
  ]);
  tensors.push(['scalar', { dtype: 'F32', shape: [], bytes: f32(7) }], ['empty', { dtype: 'I32', shape: [0, 5], bytes: new Uint8Array() }]);
  writeSafetensors(path('ours'), tensors, { metadata: { format: 'pt' } });
  const reported = python(
    `
import sys, json, safetensors.numpy as st
with open(sys.argv[1], 'rb') as file: data = file.read()
tensors = st.load(data)
print(json.dumps({'same': st.save(tensors, {'format': 'pt'}) == data,
                  'shapes': {k: list(v.shape) for k, v in tensors.items()}, 'scalar': float(tensors['scalar'])}))`,
    path('ours'),
  );
  const { same, shapes, scalar } = JSON.parse(reported);
  expect(same).toBe(true);
  expect(scalar).toBe(7);
  expect(shapes).toEqual(Object.fromEntries(tensors.map(([name, { shape }]) => [name, shape])));
});

test('this reads what Python writes, of every dtype that numpy has', () => {
  python(
    `
import sys, numpy as np, safetensors.numpy as st
values = np.array([[0, 1, 2], [3, 100, 127]])
names = dict(BOOL='bool', U8='uint8', I8='int8', U16='uint16', I16='int16', U32='uint32', I32='int32',
             U64='uint64', I64='int64', F16='float16', F32='float32', F64='float64')
tensors = {k: values.astype(v) for k, v in names.items()} | {'scalar': np.array(2.5), 'none': np.zeros((2, 0))}
st.save_file(tensors, sys.argv[1], {'note': 'ü'})`,
    path('theirs'),
  );
  const file = readSafetensors(path('theirs'));
  expect(file.metadata).toEqual({ note: 'ü' });
  for (const name of file.names.filter((n) => n in DTYPES)) {
    expect(file.info(name)).toMatchObject({ dtype: name, shape: [2, 3] });
    expect([...file.toFloat32(name)]).toEqual(name === 'BOOL' ? [0, 1, 1, 1, 1, 1] : [0, 1, 2, 3, 100, 127]);
  }
  expect(file.info('scalar').shape).toEqual([]);
  expect([...file.toFloat32('scalar')]).toEqual([2.5]);
  expect(file.toFloat32('none')).toHaveLength(0);
});

test('half, brain and 8-bit floats read with their subnormals, infinities and NaN', () => {
  const store = (dtype: Dtype, codes: readonly number[]): TensorToStore => {
    const bytes = bytesPerValue(dtype) === 2 ? new Uint8Array(Uint16Array.from(codes).buffer) : Uint8Array.from(codes);
    return { dtype, shape: [codes.length], bytes };
  };
  writeSafetensors(path('floats'), [
    ['F16', store('F16', [0x0001, 0x03ff, 0x3c00, 0xc000, 0x7bff, 0x7c00, 0xfc00, 0x7e00])],
    ['BF16', store('BF16', [0x0001, 0x3f80, 0xc040, 0x7f80, 0x7fc0])],
    ['F8_E4M3', store('F8_E4M3', [0x01, 0x38, 0x7e, 0xfe, 0x7f])],
    ['F8_E5M2', store('F8_E5M2', [0x01, 0x3c, 0x7b, 0x7c, 0xfc, 0x7f])],
  ]);
  const file = readSafetensors(path('floats'));
  const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
  expect([...file.toFloat32('F16')]).toEqual([2 ** -24, 2 ** -14 - 2 ** -24, 1, -2, 65504, inf, -inf, nan]);
  expect([...file.toFloat32('BF16')]).toEqual([2 ** -133, 1, -3, inf, nan]);
  expect([...file.toFloat32('F8_E4M3')]).toEqual([2 ** -9, 1, 448, -448, nan]);
  expect([...file.toFloat32('F8_E5M2')]).toEqual([2 ** -16, 1, 57344, inf, -inf, nan]);
});

test('whatever is written is read back unchanged', () => {
  const dtype = fc.constantFrom(...(Object.keys(DTYPES) as Dtype[]));
  const name = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => text !== '__metadata__');
  const tensor = fc.record({ dtype, shape: fc.array(fc.nat(4), { maxLength: 3 }), seed: fc.nat(255) });
  const file = fc.uniqueArray(fc.tuple(name, tensor), { selector: ([key]) => key, maxLength: 6 });
  fc.assert(
    fc.property(file, fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), (entries, metadata) => {
      const tensors = entries.map(([key, { dtype: type, shape, seed }]): [string, { dtype: Dtype; shape: number[]; bytes: Uint8Array }] => {
        const bytes = new Uint8Array(shape.reduce((a, b) => a * b, bytesPerValue(type))).map((_, i) => seed + 31 * i);
        return [key, { dtype: type, shape, bytes }];
      });
      writeSafetensors(path('any'), tensors, { metadata });
      const read = readSafetensors(path('any'));
      expect(Object.entries(read.metadata)).toEqual(Object.entries(metadata));
      expect(read.names).toHaveLength(tensors.length);
      for (const [key, expected] of tensors) expect(read.read(key)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test('tensors given as functions are made one at a time, when their turn comes', () => {
  const calls: string[] = [];
  const lazy = (key: string): TensorToStore => ({ dtype: 'F32', shape: [1], bytes: () => f32(calls.push(key)) });
  writeSafetensors(path('lazy'), [
    ['b', lazy('b')],
    ['a', lazy('a')],
  ]);
  expect(calls).toEqual(['a', 'b']);
  expect([...readSafetensors(path('lazy')).toFloat32('b')]).toEqual([2]);
});

test('some rows are read without the others, into given memory or new', () => {
  writeSafetensors(path('rows'), [
    ['x', { dtype: 'F32', shape: [3, 2], bytes: f32(1, 2, 3, 4, 5, 6) }],
    ['y', { dtype: 'I8', shape: [2], bytes: Uint8Array.of(7, 8) }],
  ]);
  const file = readSafetensors(path('rows'));
  expect([...new Float32Array(file.readRows('x', 1, 3).buffer)]).toEqual([3, 4, 5, 6]);
  const memory = new Uint8Array(16);
  const given = file.readRows('x', 2, 3, (length) => memory.subarray(0, length));
  expect([given.buffer === memory.buffer, given.length]).toEqual([true, 8]);
  expect([...new Float32Array(memory.buffer)]).toEqual([5, 6, 0, 0]);
  expect([...file.readRows('y', 1, 2)]).toEqual([8]);
  expect(() => file.readRows('x', 0, 4000)).toThrow('may be truncated');
});

test('reads while the file is held open open it once, and a failure among them leaves nothing open', () => {
  writeSafetensors(path('several'), [
    ['a', { dtype: 'F32', shape: [2], bytes: f32(1, 2) }],
    ['b', { dtype: 'F32', shape: [1], bytes: f32(3) }],
  ]);
  const file = readSafetensors(path('several'));
  const timesOpen = () => fs.readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === fs.realpathSync(path('several'))).length;
  const read = file.whileOpen(() => {
    const values = file.names.map((name) => [...file.toFloat32(name)]);
    expect(timesOpen()).toBe(1);
    return values;
  });
  expect(read).toEqual([[1, 2], [3]]);
  expect(() => file.whileOpen(() => file.toFloat32('c'))).toThrow(ArgumentError);
  expect(timesOpen()).toBe(0);
  expect([...file.toFloat32('b')]).toEqual([3]);
});

/** What an open file of this process is, or nothing when it is closed by now. */
function linkOf(descriptor: string): string | undefined {
  try {
    return fs.readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}

test('values are converted into given memory as into new', () => {
  const codes: readonly [Dtype, Uint8Array, number[]][] = [
    ['F32', f32(1.5, -2), [1.5, -2]],
    ['BF16', new Uint8Array(Uint16Array.of(0x3f80, 0xc040).buffer), [1, -3]],
    ['F16', new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer), [1, -2]],
    ['I64', new Uint8Array(BigInt64Array.of(5n, -6n).buffer), [5, -6]],
    ['U8', Uint8Array.of(9, 10), [9, 10]],
  ];
  for (const [dtype, bytes, expected] of codes) {
    const out = new Float32Array(2);
    expect(toFloat32(dtype, bytes, out)).toBe(out);
    expect([...out]).toEqual(expected);
    expect([...toFloat32(dtype, bytes)]).toEqual(expected);
  }
});

test('a failed write leaves the old file and no temporary one', () => {
  writeSafetensors(path('kept'), [['x', { dtype: 'F32', shape: [1], bytes: f32(1) }]]);
  const before = fs.readdirSync(path('.'));
  const fail = () => writeSafetensors(path('kept'), [['x', { dtype: 'F32', shape: [2], bytes: f32(1) }]]);
  expect(fail).toRefuse(ArgumentError, 'tensor "x" of F32 [2] takes 8 bytes; got 4');
  expect([...readSafetensors(path('kept')).toFloat32('x')]).toEqual([1]);
  expect(fs.readdirSync(path('.'))).toEqual(before);
  expect(() => writeSafetensors(path('no/such/folder'), [])).toThrow(StorageError);
  expect(() => writeSafetensors(path('twice'), [twin, twin])).toThrow('occurs twice');
});
const twin: [string, TensorToStore] = ['x', { dtype: 'U8', shape: [], bytes: new Uint8Array(1) }];

test('asking for a tensor that is not there names the file and the tensor', () => {
  writeSafetensors(path('one'), [twin]);
  expect(() => readSafetensors(path('one')).read('constructor')).toThrow(/one has no tensor "constructor"/);
  expect(readSafetensors(path('one')).has('toString')).toBe(false);
});
