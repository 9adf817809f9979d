import { UnsupportedError } from 'lowrank';
import { expect, test } from 'vitest';
import fs, { keptFiles } from '../../../lib/lowrank/src/runtime/browser/node/fs';

const text = (path: string) => new TextDecoder().decode(keptFiles().get(path));

function write(path: string, ...parts: string[]): void {
  const descriptor = fs.openSync(path, 'wx');
  for (const part of parts) fs.writeSync(descriptor, new TextEncoder().encode(`?${part}`), 1, part.length);
  fs.closeSync(descriptor);
}

test('what is written is kept for the page under its last name, in the order in which it was written', () => {
  fs.mkdirSync('adapter/.staged');
  write('adapter/.staged/tensors', 'one ', 'two');
  fs.renameSync('adapter/.staged/tensors', './adapter/tensors');
  fs.rmSync('adapter/.staged');
  expect(text('adapter/tensors')).toBe('one two');
  expect([...keptFiles().keys()]).toEqual(['adapter/tensors']);
  fs.mkdirSync('adapter');
  expect(fs.readdirSync('adapter/')).toEqual(['tensors']);
});

test('a folder is removed with all that is in it, and nothing beside it', () => {
  write('run/a', 'a');
  write('running', 'b');
  fs.rmSync('run');
  expect(fs.existsSync('run/a')).toBe(false);
  expect(text('running')).toBe('b');
});

test('what was written is read again, from any place', () => {
  write('read/a', 'one ', 'two');
  const descriptor = fs.openSync('read/a', 0);
  const bytes = new Uint8Array(5);
  expect(fs.readSync(descriptor, bytes, 1, 4, 5)).toBe(2);
  expect([...bytes]).toEqual([0, ...new TextEncoder().encode('wo'), 0, 0]);
  expect(fs.fstatSync(descriptor).size).toBe(7);
  expect(String(fs.readFileSync('read/a', 'utf8'))).toBe('one two');
});

test('a function that a page has not is refused by its name', () => {
  expect(() => Reflect.get(fs, 'linkSync')('a', 'b')).toThrow("Node's fs.linkSync is not there in a browser; run this in Node");
});

test('no file is read that the page has not written', () => {
  for (const read of [() => fs.openSync('m.gguf', 0), () => fs.statSync('m.gguf'), () => fs.readdirSync('m.gguf')]) {
    expect(read).toRefuse(UnsupportedError, 'm.gguf cannot be read: a page in a browser has no files');
  }
});
