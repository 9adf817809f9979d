import { createHash } from 'node:crypto';
import fs from 'node:fs';
import nodePath from 'node:path';
import { FormatError, loadCheckpoint, StorageError, saveCheckpoint, tf } from 'lowrank';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { seededRandom } from '../../../lib/lowrank/src/runtime';
import { temporaryFolder } from '../../io/temporaryFolder';

const folder = temporaryFolder();
let directory = '';
let count = 0;
beforeEach(() => {
  directory = folder(`case-${count++}`);
});
afterEach(() => vi.restoreAllMocks());

/** A checkpoint whose tensors tell its step. */
function save(step: number, keep = 2): string {
  return tf.tidy(() => {
    const tensors = {
      weights: { a: tf.fill([3, 2], step), 'b.c': tf.tensor1d([step, -step, 0.1]) },
      optimizer: { 'first.a': tf.ones([3, 2]) },
    };
    return saveCheckpoint(directory, { step, state: { position: { epoch: 1, batch: step } }, tensors }, { keep });
  });
}

/** The step of the newest checkpoint that can be read, all of it checked; undefined when there is none. */
function load(): number | undefined {
  const checkpoint = loadCheckpoint(directory);
  if (!checkpoint) return undefined;
  const { step, state, tensors } = checkpoint;
  expect(state).toEqual({ position: { epoch: 1, batch: step } });
  expect(tensors.weights?.a?.arraySync()).toEqual(Array(3).fill([step, step]));
  expect(Array.from(tensors.weights?.['b.c']?.dataSync() ?? [])).toEqual([step, -step, Math.fround(0.1)]);
  expect(tensors.optimizer?.['first.a']?.shape).toEqual([3, 2]);
  tf.dispose(Object.values(tensors));
  return step;
}

const folders = () => fs.readdirSync(directory).sort();

test('what was saved is loaded, the newest first, and older ones go', () => {
  expect(load()).toBeUndefined();
  const before = tf.memory().numTensors;
  for (const step of [1, 2, 3]) save(step);
  expect(load()).toBe(3);
  expect(folders()).toEqual(['checkpoint-2-step-2', 'checkpoint-3-step-3']);
  save(1); // a new run in the same folder
  expect(load()).toBe(1);
  expect(tf.memory().numTensors).toBe(before);
});

test('what a crash has left of a checkpoint is neither loaded nor kept', () => {
  save(1);
  fs.mkdirSync(nodePath.join(directory, '.incomplete-aaaa'));
  fs.writeFileSync(nodePath.join(directory, '.incomplete-aaaa', 'weights.safetensors'), 'half');
  expect(load()).toBe(1);
  save(2);
  expect(folders()).toEqual(['checkpoint-1-step-1', 'checkpoint-2-step-2']);
});

describe('a disk that refuses', () => {
  /** Everything by which a checkpoint changes the disk. */
  const calls = [
    'mkdirSync',
    'openSync',
    'writeSync',
    'fsyncSync',
    'closeSync',
    'renameSync',
    'rmSync',
    'readdirSync',
    'readFileSync',
  ] as const;

  /** Makes the k-th of these calls fail; gives how many there were. */
  function failing(k: number): () => number {
    let done = 0;
    for (const name of calls) {
      const real = fs[name] as (...args: unknown[]) => unknown;
      vi.spyOn(fs, name as 'rmSync').mockImplementation((...args: unknown[]) => {
        if (++done === k) throw Object.assign(new Error(`ENOSPC: no space left on device, ${name}`), { code: 'ENOSPC', syscall: name });
        return real(...args) as undefined;
      });
    }
    return () => done;
  }

  test('at any call leaves a whole checkpoint, the new one or the one before, and says where', () => {
    save(1);
    save(2);
    const counted = failing(0);
    save(3);
    const total = counted();
    vi.restoreAllMocks();
    expect(total).toBeGreaterThan(30);
    for (let k = 1; k <= total; k++) {
      const step = 3 + k;
      const last = load();
      failing(k);
      let thrown: unknown;
      try {
        save(step);
      } catch (error) {
        thrown = error;
      }
      vi.restoreAllMocks();
      const loaded = load();
      expect([last, step]).toContain(loaded);
      if (loaded !== step) expect(thrown, `call ${k}`).toBeInstanceOf(StorageError);
      if (thrown instanceof StorageError) expect(thrown.message).toContain(directory);
      save(step); // and afterwards all is as it was
      expect(load()).toBe(step);
      expect(folders().length).toBe(2);
    }
  });

  test('because its folder is a file, or gone', () => {
    fs.writeFileSync(directory, '');
    expect(() => save(1)).toRefuse(StorageError, directory);
  });
});

describe('a damaged checkpoint', () => {
  function flipBit(file: string): void {
    const content = fs.readFileSync(file);
    content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1;
    fs.writeFileSync(file, content);
  }

  test('is found by any bit, named in one warning, and the one before it is taken', () => {
    save(1);
    const newest = save(2);
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const random = seededRandom(1);
    const files = fs.readdirSync(newest);
    for (let flip = 0; flip < 300; flip++) {
      const file = nodePath.join(newest, files[flip % files.length] ?? '');
      const content = fs.readFileSync(file);
      const bit = Math.floor(random() * content.length * 8);
      const changed = Buffer.from(content);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      fs.writeFileSync(file, changed);
      expect(load(), `bit ${bit} of ${file}`).toBe(1);
      fs.writeFileSync(file, content);
    }
    expect(warn).toHaveBeenCalledTimes(300);
    expect(warn.mock.calls[0]?.[0]).toContain(newest);
    expect(load()).toBe(2);
  });

  test('is found when a file is cut off, or missing', () => {
    save(1);
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    for (const name of fs.readdirSync(save(2))) {
      const file = nodePath.join(directory, 'checkpoint-2-step-2', name);
      const content = fs.readFileSync(file);
      fs.writeFileSync(file, content.subarray(0, -1));
      expect(load()).toBe(1);
      fs.rmSync(file);
      expect(load()).toBe(1);
      fs.writeFileSync(file, content);
    }
  });

  test('neither counts nor goes before as many newer ones are whole as are kept', () => {
    save(1);
    const second = save(2);
    flipBit(nodePath.join(second, 'weights.safetensors'));
    flipBit(nodePath.join(save(3), 'manifest.json'));
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    expect(load()).toBe(1);
    save(4);
    expect(folders()).toEqual([1, 2, 3, 4].map((step) => `checkpoint-${step}-step-${step}`));
    fs.rmSync(nodePath.join(directory, 'checkpoint-4-step-4', 'state.json'));
    expect(load()).toBe(1); // which is why it stayed
    expect(warn).toHaveBeenCalledTimes(2 + 3);
    save(5);
    expect(folders()).toContain('checkpoint-1-step-1');
    save(6);
    expect(folders()).toEqual(['checkpoint-5-step-5', 'checkpoint-6-step-6']);
  });

  test('goes at once where only the newest is kept', () => {
    flipBit(nodePath.join(save(1), 'state.json'));
    save(2, 1);
    expect(folders()).toEqual(['checkpoint-2-step-2']);
  });

  test('is an error when there is no other: training must not begin anew unasked', () => {
    fs.writeFileSync(nodePath.join(save(1), 'state.json'), '{}');
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    expect(() => loadCheckpoint(directory)).toThrow(FormatError);
  });
});

describe('a checkpoint with right checksums', () => {
  /** Puts other content into a file, and makes the manifest fit it. */
  function replace(path: string, name: string, content: Buffer): void {
    fs.writeFileSync(nodePath.join(path, name), content);
    const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');
    const [, line = ''] = fs.readFileSync(nodePath.join(path, 'manifest.json'), 'utf8').split('\n');
    const manifest = JSON.parse(line);
    manifest.files[name] = { bytes: content.length, sha256: sha256(content) };
    const changed = JSON.stringify(manifest);
    fs.writeFileSync(nodePath.join(path, 'manifest.json'), `${sha256(changed)}\n${changed}\n`);
  }

  test('whose last tensors cannot be read leaves none of the others behind', () => {
    const path = save(3, 1);
    replace(path, 'weights.safetensors', Buffer.from('no tensors'));
    const { numTensors } = tf.memory();
    vi.spyOn(console, 'warn').mockReturnValue();
    expect(load).toThrow(FormatError);
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

test('a file in place of the directory is named, not a raw error of Node', () => {
  fs.writeFileSync(directory, '');
  expect(load).toRefuse(FormatError, `${directory} is not a folder of checkpoints`);
});
