import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import fc from 'fast-check';
import { AdaptionPromptConfig, FormatError, getPeftModel, LoraConfig, LowrankError, PeftModel, tf, UnsupportedError } from 'lowrank';
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
const TRICKY_TEXTS = ['16', '', 'q_proj', '/etc/passwd', '../x', '.*', '(.*.*.*.*.*.*)*x', '('];
const TRICKY = [0, -1, 1.5, 1e9, 1e300, 2 ** 53, ...TRICKY_TEXTS, [], [[]], {}, null, true, false];

test('whatever a configuration says, it is loaded or refused by a typed error, and the model stays as it is', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  const model = tinyModel();
  const weights = () => Array.from(model.namedParameters(), ([name, variable]) => [name, variable.dataSync().slice()]);
  const before = weights();
  const numTensors = tf.memory().numTensors;
  const value = fc.oneof(fc.constantFrom(...TRICKY), fc.jsonValue({ maxDepth: 3 }));
  let loaded = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom(...KEYS), value), { minLength: 1, maxLength: 3 }), async (changes) => {
      const entries = new Map<string, unknown>([...Object.entries(PLAIN), ...changes]);
      const text = `{${Array.from(entries, ([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`).join()}}`;
      fs.writeFileSync(nodePath.join(folder, 'adapter_config.json'), text);
      try {
        (await PeftModel.fromPretrained(model, folder)).unload();
        loaded += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(LowrankError);
      }
      expect(tf.memory().numTensors).toBe(numTensors);
    }),
    { numRuns: 1000, seed: 1 },
  );
  expect(loaded).toBeGreaterThan(100);
  expect(loaded).toBeLessThan(900);
  expect(weights()).toEqual(before);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test('adapters come and go, and are switched, without leaving tensors behind', async () => {
  const peft = await PeftModel.fromPretrained(tinyModel(), goldenPath('lora'));
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

const GOLDEN: { peftVersion: string; keys: { LORA: Record<string, unknown>; ADAPTION_PROMPT: Record<string, unknown> } } = JSON.parse(
  fs.readFileSync(nodePath.join(__dirname, '../../golden/peftKeys.json'), 'utf8'),
);

/** Loads the small LoRA with these keys changed, and says what was warned of. */
async function loadWith(changes: object): Promise<string[]> {
  const warned: string[] = [];
  vi.spyOn(console, 'warn').mockImplementation((message) => warned.push(String(message)));
  fs.writeFileSync(nodePath.join(folder, 'adapter_config.json'), JSON.stringify({ ...PLAIN, ...changes }));
  (await PeftModel.fromPretrained(tinyModel(), folder)).unload();
  return warned;
}

test('every key that this release of PEFT has is decided on, so that none is called unknown', async () => {
  const { target_modules: _targets, r: _r, ...defaults } = GOLDEN.keys.LORA;
  expect(await loadWith({ lora_alpha: PLAIN.lora_alpha, ...defaults })).toEqual([]);

  const warned = vi.mocked(console.warn);
  fs.cpSync(goldenPath('prompt'), folder, { recursive: true });
  const prompt = JSON.parse(fs.readFileSync(goldenPath('prompt/adapter_config.json'), 'utf8'));
  const { adapter_layers: _layers, adapter_len: _length, ...rest } = GOLDEN.keys.ADAPTION_PROMPT;
  fs.writeFileSync(nodePath.join(folder, 'adapter_config.json'), JSON.stringify({ ...prompt, ...rest }));
  (await PeftModel.fromPretrained(tinyModel(), folder)).unload();
  expect(warned).not.toHaveBeenCalled();
});

test('the keys that are written are those that PEFT writes, with its version', () => {
  const keysOf = (config: LoraConfig | AdaptionPromptConfig) => {
    const peft = getPeftModel(tinyModel(), config);
    peft.savePretrained(folder);
    peft.unload();
    return JSON.parse(fs.readFileSync(nodePath.join(folder, 'adapter_config.json'), 'utf8'));
  };
  const { runtime_config: _unwritten, ...lora } = GOLDEN.keys.LORA;
  const written = keysOf(new LoraConfig());
  expect(Object.keys(written)).toEqual(Object.keys(lora));
  expect(written).toEqual({ ...lora, inference_mode: true, target_modules: ['q_proj', 'v_proj'], task_type: 'CAUSAL_LM' });
  expect(Object.keys(keysOf(new AdaptionPromptConfig({ adapterLen: 2, adapterLayers: 1 })))).toEqual(
    Object.keys(GOLDEN.keys.ADAPTION_PROMPT),
  );
});

test.each([
  ['alora_invocation_tokens', [1, 2]],
  ['arrow_config', { top_k: 3 }],
  ['kasa_config', { beta: 0.1 }],
  ['layer_replication', [[0, 2]]],
  ['lora_bias', true],
  ['megatron_config', { num_layers: 2 }],
  ['kasa_config', {}],
  ['monteclora_config', { num_samples: 2 }],
  ['target_parameters', ['q_proj.weight']],
  ['use_bdlora', { nblocks: 2 }],
  ['use_qalora', true],
  ['velora_config', { rank: 1 }],
  ['init_lora_weights', 'loftq'],
  ['init_lora_weights', 'corda'],
  ['init_lora_weights', 'lora_ga'],
])('%s, which computes something else, is refused by name with a remedy', async (key, value) => {
  await expect(loadWith({ [key]: value })).rejects.toThrow(UnsupportedError);
  await expect(loadWith({ [key]: value })).rejects.toThrow(
    new RegExp(`"${key}": .*PEFT, where PEFT can|"${key}": .*with PEFT as a plain LoRA`),
  );
});

test.each([
  ['corda_config', { verbose: true }],
  ['fan_in_fan_out', true],
  ['loftq_config', { loftq_bits: 4 }],
  ['lora_ga_config', { direction: 'ArB2r' }],
  ['qalora_group_size', 32],
])('%s, which does nothing in PEFT either, is said to do nothing', async (key, value) => {
  expect(await loadWith({ [key]: value })).toEqual([
    expect.stringMatching(new RegExp(`^adapter_config.json has "${key}": .*, which does nothing here: `)),
  ]);
});

test.each([{ target_modules: ['nothing'] }, { r: -2 }, { peft_type: 'other' }])(
  '%j, which does not fit the model, is refused by the file’s name',
  async (wrong) => {
    fs.writeFileSync(nodePath.join(folder, 'adapter_config.json'), JSON.stringify({ ...PLAIN, ...wrong }));
    const model = tinyModel();
    await expect(PeftModel.fromPretrained(model, folder)).rejects.toThrow(folder);
    const peft = getPeftModel(model, new LoraConfig({ r: 2, targetModules: ['q_proj'] }));
    expect(() => peft.loadAdapter(folder, { adapterName: 'b' })).toThrow(folder);
    peft.dispose();
  },
);

test.each(['', '{"peft_type": "LORA", "r'])('a configuration that was emptied or cut is refused with the remedy: %j', async (text) => {
  fs.writeFileSync(nodePath.join(folder, 'adapter_config.json'), text);
  const model = tinyModel();
  await expect(PeftModel.fromPretrained(model, folder)).rejects.toRefuse(
    FormatError,
    /adapter_config\.json, .*; if it was cut or emptied, copy/,
  );
  model.dispose();
});
