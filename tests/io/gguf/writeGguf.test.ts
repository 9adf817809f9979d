import { readFileSync } from 'node:fs';
import { ArgumentError, readGguf } from 'lowrank';
import { expect, test } from 'vitest';
import { writeGguf } from '../../../lib/lowrank/src/io';
import { temporaryFolder } from '../temporaryFolder';

const inFolder = temporaryFolder();
const values = (count: number) => Float32Array.from({ length: count }, (_, i) => i / 3);

test('what is written is read back, tensors aligned to 32 bytes', async () => {
  const path = inFolder('some.gguf');
  const tensors = new Map([
    ['first', { shape: [3, 5], values: values(15) }],
    ['second', { shape: [7], values: values(7) }],
  ]);
  writeGguf(
    path,
    new Map<string, string | number>([
      ['general.architecture', 'llama'],
      ['a.number', 1.5],
      ['a.text', 'żółw'],
    ]),
    tensors,
  );
  const file = await readGguf(path);
  expect(file.metadata.get('a.number')).toBe(1.5);
  expect(file.metadata.get('a.text')).toBe('żółw');
  for (const [name, tensor] of tensors) {
    expect(file.info(name).shape).toEqual(tensor.shape);
    expect(file.info(name).begin % 32).toBe(0);
    expect(file.toFloat32(name)).toEqual(tensor.values);
  }
  expect(readFileSync(path).length % 32).toBe(0);
});

test('names that llama.cpp would cut off and values that do not fit are refused, and no file appears', () => {
  const path = inFolder('bad.gguf');
  const write = (name: string, shape: number[]) => () => writeGguf(path, new Map(), new Map([[name, { shape, values: values(4) }]]));
  expect(write('x'.repeat(64), [4])).toThrow(ArgumentError);
  expect(write('x', [5])).toThrow(ArgumentError);
  expect(() => readFileSync(path)).toThrow();
});
