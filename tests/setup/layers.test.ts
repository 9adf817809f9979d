/** The order of the layers; that there are no circles, of types either, is a lint rule (biome.json). */
import fs from 'node:fs';
import nodePath from 'node:path';
import { expect, test } from 'vitest';

const SRC = nodePath.resolve('lib/lowrank/src');
const LAYERS = ['runtime', 'io', 'nn', 'llama', 'peft', 'train', 'cli'];

/** Each import of one of the core's files by another, as paths below `src`. */
const imports = fs
  .readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => {
    const text = fs.readFileSync(nodePath.join(SRC, file), 'utf8');
    const specifiers = text.matchAll(/(?:from|import\()\s*'(\.[^']*)'/g);
    return Array.from(specifiers, ([, specifier = '']) => ({ file, imported: nodePath.join(nodePath.dirname(file), specifier) }));
  });

const layerOf = (path: string) => LAYERS.indexOf(path.split('/')[0] ?? '');

test('no file imports from a layer above its own', () => {
  expect(imports.length).toBeGreaterThan(1000);
  const upward = imports.filter(({ file, imported }) => layerOf(file) >= 0 && layerOf(imported) > layerOf(file));
  expect(upward).toEqual([]);
});

test('a file of a layer does not import the index of the whole library', () => {
  const whole = imports.filter(({ file, imported }) => layerOf(file) >= 0 && ['index', '.', 'internal'].includes(imported));
  expect(whole).toEqual([]);
});

test('plain layers and kernels do not import quantisation', () => {
  const isPlain = (file: string) => /^nn\/((kernels|attention)\/)?\w+\.ts$/.test(file) && file !== 'nn/index.ts';
  expect(imports.filter(({ file, imported }) => isPlain(file) && imported.startsWith('nn/quantized'))).toEqual([]);
});
