import fs from 'node:fs';
import {
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  LowrankError,
  loadCheckpoint,
  PeftModel,
  saveCheckpoint,
  Tokenizer,
  tf,
  writeSafetensors,
} from 'lowrank';
import { readReviews } from 'lowrank-review';
import { beforeAll, describe, expect, test } from 'vitest';
import { lockRun } from '../../lib/lowrank/src/io/runLock';
import { modelPlace } from '../../lib/lowrank/src/llama/files/modelPlace';
import { RunLog } from '../../lib/lowrank/src/train/progress/runLog';
import { SMALL_SIZES } from '../llama/smallSizes';
import { temporaryFolder } from './temporaryFolder';

const path = temporaryFolder();
const model = LlamaForCausalLM.fromConfig(SMALL_SIZES);
const peft = getPeftModel(LlamaForCausalLM.fromConfig(SMALL_SIZES), new LoraConfig({ r: 1 }));
let tokenizer: Tokenizer;

beforeAll(async () => {
  fs.writeFileSync(path('file'), '');
  fs.symlinkSync(path('circle'), path('circle'));
  const json = { added_tokens: [], model: { type: 'BPE', vocab: { a: 0 }, merges: [] }, pre_tokenizer: { type: 'ByteLevel' } };
  fs.mkdirSync(path('tokenizer'));
  fs.writeFileSync(path('tokenizer/tokenizer.json'), JSON.stringify({ ...json, decoder: { type: 'ByteLevel' } }));
  tokenizer = await Tokenizer.fromPretrained(path('tokenizer'));
});

/** Whatever a path is, Node's own errors come out as the library's. */
const PATHS: readonly [string, () => string][] = [
  ['with a NUL character', () => path('a\0b')],
  ['that is too long', () => path('x'.repeat(5000))],
  ['through a file', () => path('file/below')],
  ['through links in a circle', () => path('circle/below')],
  ['where the system makes no folder', () => '/proc/none/below'],
];

const WRITERS: readonly [string, (to: string) => unknown][] = [
  ['a model', (to) => model.savePretrained(to)],
  ['an adapter', (to) => peft.savePretrained(to)],
  ['a tokenizer', (to) => tokenizer.savePretrained(to)],
  ['a checkpoint', (to) => saveCheckpoint(to, { step: 1, state: {}, tensors: {} })],
  ['the lock of a run', (to) => lockRun(to)],
  ["a run's log", (to) => new RunLog(to)],
  ['tensors', (to) => writeSafetensors(to, [])],
];

const READERS: readonly [string, (from: string) => unknown][] = [
  ['a model', (from) => LlamaForCausalLM.fromPretrained(from)],
  ['an adapter', (from) => PeftModel.fromPretrained(model, from)],
  ['a tokenizer', (from) => Tokenizer.fromPretrained(from)],
  ['reviews', (from) => readReviews(from).next()],
];

describe.each(PATHS)('a path %s', (_, place) => {
  test.each([
    ...WRITERS.map(([what, run]) => [`${what} is written`, run] as const),
    ...READERS.map(([what, run]) => [`${what} is read`, run] as const),
  ])('is an error of the library where %s', async (_, run) => {
    const { numTensors } = tf.memory();
    const error = await Promise.resolve(place())
      .then(run)
      .catch((error: unknown) => error);
    expect(error).toBeInstanceOf(LowrankError);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test('holds no checkpoint, or says why', () => {
    try {
      expect(loadCheckpoint(place())).toBeUndefined();
    } catch (error) {
      expect(error).toBeInstanceOf(LowrankError);
    }
  });
});

test("the hub's cache may name its branch in a file of any length", () => {
  fs.mkdirSync(path('cache/refs'), { recursive: true });
  fs.mkdirSync(path('cache/snapshots/abc'), { recursive: true });
  fs.writeFileSync(path('cache/snapshots/abc/config.json'), '{}');
  fs.writeFileSync(path('cache/refs/main'), 'abc\n');
  fs.mkdirSync(path('cache/snapshots/def'));
  expect(modelPlace(path('cache')).path).toBe(path('cache/snapshots/abc'));
  fs.writeFileSync(path('cache/refs/main'), 'x'.repeat(1e6));
  expect(() => modelPlace(path('cache'))).toThrow(/2 snapshots; give one: abc, def/);
});
