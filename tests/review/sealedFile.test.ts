import fs from 'node:fs';
import { FormatError, StorageError } from 'lowrank';
import { expect, test } from 'vitest';
import { readSealed, writeSealed } from '../../lib/review/src/sealedFile';
import { temporaryFolder } from '../io/temporaryFolder';

const folder = temporaryFolder();
const path = folder('new/a.json');
const content = { loss: 0.25, texts: ['let a;', 'é'], 7: null };
const read = () => readSealed(path, 'remove it');

test('is read as it was written, and is undefined where there is none', () => {
  expect(read()).toBeUndefined();
  writeSealed(path, 'texts', content);
  expect(read()).toEqual(content);
});

test('is refused with its path and the remedy, wherever it is cut and wherever a bit is flipped', () => {
  writeSealed(path, 'texts', content);
  const whole = fs.readFileSync(path);
  for (let length = 0; length < whole.length; length++) {
    fs.writeFileSync(path, whole.subarray(0, length));
    expect(read).toRefuse(FormatError, path);
    expect(read).toThrow(/; remove it$/);
  }
  for (let bit = 0; bit < 8 * whole.length; bit += 7) {
    const flipped = Buffer.from(whole);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    fs.writeFileSync(path, flipped);
    expect(read).toRefuse(FormatError, path);
    expect(read).toThrow(/; remove it$/);
  }
  fs.writeFileSync(path, JSON.stringify(content));
  expect(read).toRefuse(FormatError, `${path} has no checksum, so another version wrote it; remove it`);
});

test('is not written below a file, which stays', () => {
  fs.writeFileSync(folder('file'), 'kept');
  expect(() => writeSealed(folder('file/a.json'), 'texts', content)).toRefuse(StorageError, 'cannot write the texts to');
  expect(fs.readFileSync(folder('file'), 'utf8')).toBe('kept');
});
