import fs from 'node:fs';
import { StorageError } from 'lowrank';
import { expect, test } from 'vitest';
import { stageFile, writeFileAtomic, writeTextAtomic } from '../../lib/lowrank/src/io';
import { temporaryFolder } from './temporaryFolder';

const path = temporaryFolder();
const bytes = (text: string) => Buffer.from(text);
const inFolder = () => fs.readdirSync(path('.')).sort();

test('a staged file stands beside the old one until it is committed', () => {
  writeTextAtomic(path('a'), 'old');
  const staged = stageFile(path('a'), (append) => {
    append(bytes('new '));
    append(bytes('text'));
  });
  expect(fs.readFileSync(path('a'), 'utf8')).toBe('old');
  expect(inFolder()).toHaveLength(2);
  staged.commit();
  expect(fs.readFileSync(path('a'), 'utf8')).toBe('new text');
  expect(inFolder()).toEqual(['a']);
});

test('a discarded one leaves the old file, and nothing else; after the commit it does nothing', () => {
  stageFile(path('a'), (append) => append(bytes('other'))).discard();
  const committed = stageFile(path('a'), (append) => append(bytes('third')));
  committed.commit();
  committed.discard();
  expect(fs.readFileSync(path('a'), 'utf8')).toBe('third');
  expect(inFolder()).toEqual(['a']);
});

test('whatever goes wrong while it is written passes through, and the old file stays', () => {
  const fail = () =>
    writeFileAtomic(path('a'), (append) => {
      append(bytes('half'));
      throw new RangeError('no more');
    });
  expect(fail).toThrow(RangeError);
  expect(fs.readFileSync(path('a'), 'utf8')).toBe('third');
  expect(inFolder()).toEqual(['a']);
});

test('a place that cannot be written is named, with what to look at', () => {
  expect(() => writeTextAtomic(path('no/folder'), '')).toRefuse(StorageError, /cannot write .*no\/folder.*ENOENT.*free space/);
  fs.mkdirSync(path('folder/inside'), { recursive: true });
  expect(() => writeTextAtomic(path('folder'), 'x')).toThrow(StorageError); // a folder cannot be replaced by a file
  fs.rmSync(path('folder'), { recursive: true });
  expect(inFolder()).toEqual(['a']);
});
