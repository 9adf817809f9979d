import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import fc from 'fast-check';
import { LowrankError, PeftModel, tf } from 'lowrank';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { goldenPath, tinyModel } from '../tinyModel';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(nodePath.join(os.tmpdir(), 'adapter-'));
  fs.copyFileSync(goldenPath('lora/adapter_model.safetensors'), nodePath.join(folder, 'adapter_model.safetensors'));
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(folder, { recursive: true });
});

const PLAIN = JSON.parse(fs.readFileSync(goldenPath('lora/adapter_config.json'), 'utf8'));
const KEYS = [...Object.keys(PLAIN), 'unknown', '__proto__', 'constructor', 'gate', 'adapter_len'];
const TRICKY = [
  0,
  -1,
  1.5,
  1e9,
  1e300,
  2 ** 53,
  '16',
  '',
  'q_proj',
  '/etc/passwd',
  '../x',
  '.*',
  '(.*.*.*.*.*.*)*x',
  '(',
  [],
  [[]],
  {},
  null,
  true,
  false,
];

test('whatever a configuration says, it is loaded or refused by a typed error, and the model stays as it is', () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const model = tinyModel();
  const weights = () => Array.from(model.namedParameters(), ([name, variable]) => [name, variable.dataSync().slice()]);
  const before = weights();
  const numTensors = tf.memory().numTensors;
  const value = fc.oneof(fc.constantFrom(...TRICKY), fc.jsonValue({ maxDepth: 3 }));
  let loaded = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...KEYS), value), { minLength: 1, maxLength: 3 }), (changes) => {
      const entries = new Map<string, unknown>([...Object.entries(PLAIN), ...changes]);
      const text = `{${Array.from(entries, ([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`).join()}}`;
      fs.writeFileSync(nodePath.join(folder, 'adapter_config.json'), text);
      try {
        PeftModel.fromPretrained(model, folder).unload();
        loaded += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(LowrankError);
      }
      expect(tf.memory().numTensors).toBe(numTensors);
    }),
    { numRuns: 2000, seed: 1 },
  );
  expect(loaded).toBeGreaterThan(200);
  expect(loaded).toBeLessThan(1800);
  expect(weights()).toEqual(before);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test('adapters come and go, and are switched, without leaving tensors behind', () => {
  const peft = PeftModel.fromPretrained(tinyModel(), goldenPath('lora'));
  peft.loadAdapter(goldenPath('loraTrainedEnd'), { adapterName: 'second' });
  const numTensors = tf.memory().numTensors;
  for (let round = 0; round < 1000; round++) peft.setAdapter(round % 2 === 0 ? 'second' : 'default');
  for (let round = 0; round < 100; round++) {
    peft.loadAdapter(goldenPath('dora'), { adapterName: 'third' });
    peft.hotswapAdapter(goldenPath('lora'), { adapterName: 'second' });
    expect(() => peft.loadAdapter(goldenPath('prompt'), { adapterName: 'fourth' })).toThrow(LowrankError);
    peft.deleteAdapter('third');
  }
  expect(tf.memory().numTensors).toBe(numTensors);
});
