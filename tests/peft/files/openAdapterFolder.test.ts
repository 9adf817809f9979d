import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import {
  ArgumentError,
  FormatError,
  getPeftModel,
  type LlamaForCausalLM,
  LoraConfig,
  LowrankError,
  PeftModel,
  readSafetensors,
  StateError,
  type TensorToStore,
  tf,
  UnsupportedError,
  writeSafetensors,
} from 'lowrank';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { goldenPath, IDS, largestDifference, tinyModel } from '../tinyModel';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(nodePath.join(os.tmpdir(), 'adapter-'));
  for (const file of ['adapter_config.json', 'adapter_model.safetensors']) fs.copyFileSync(goldenPath(`lora/${file}`), inFolder(file));
});
afterEach(() => {
  vi.restoreAllMocks();
  fs.rmSync(folder, { recursive: true });
});

const inFolder = (file: string) => nodePath.join(folder, file);

function changeConfig(changes: Record<string, unknown>): void {
  const config = JSON.parse(fs.readFileSync(goldenPath('lora/adapter_config.json'), 'utf8'));
  fs.writeFileSync(inFolder('adapter_config.json'), JSON.stringify({ ...config, ...changes }));
}

/** Writes the tensors of an adapter anew, each as `change` says; undefined drops it. */
function changeTensors(change: (name: string, tensor: TensorToStore) => readonly [string, TensorToStore][]): void {
  const file = readSafetensors(goldenPath('lora/adapter_model.safetensors'));
  writeSafetensors(
    inFolder('adapter_model.safetensors'),
    file.names.flatMap((name) => change(name, file.read(name))),
    { metadata: { format: 'pt' } },
  );
}

/** All that loading may change: weights, what is trainable, the modules and the adapters. */
function stateOf(model: LlamaForCausalLM, peft?: PeftModel): unknown {
  return {
    parameters: Array.from(model.namedParameters(), ([name, variable]) => [name, variable.trainable, variable.dataSync().slice()]),
    modules: Array.from(model.namedModules(), ([path, module]) => [path, module.constructor.name]),
    adapters: peft && [Object.keys(peft.peftConfig), peft.activeAdapters],
    tensors: tf.memory().numTensors,
  };
}

/** Loads the folder, alone and beside another adapter, expects an error, and that nothing has changed. */
async function refused(kind: typeof LowrankError | typeof FormatError, message: string | RegExp): Promise<void> {
  const model = tinyModel();
  const before = stateOf(model);
  await expect(PeftModel.fromPretrained(model, folder)).rejects.toThrow(message);
  await expect(PeftModel.fromPretrained(model, folder)).rejects.toThrow(kind);
  expect(stateOf(model)).toEqual(before);
  const peft = getPeftModel(model, new LoraConfig({ r: 2 }), { adapterName: 'first' });
  const beside = stateOf(model, peft);
  expect(() => peft.loadAdapter(folder)).toThrow(message);
  expect(stateOf(model, peft)).toEqual(beside);
}

test('also gives what it gives to those who await it', async () => {
  const peft = await PeftModel.fromPretrained(tinyModel(), folder, { adapterName: 'mine' });
  await peft.loadAdapter(folder, { adapterName: 'other', isTrainable: true });
  expect(peft.activeAdapters).toEqual(['mine']);
  expect(peft.trainableParameters().size).toBe(0);
  peft.setAdapter('other');
  expect(peft.trainableParameters().size).toBe(12);
});

describe('the configuration', () => {
  test('may have keys that nobody knows, which one warning names', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    changeConfig({ new_thing: 3, another: { __proto__: null, deep: [1] } });
    const peft = await PeftModel.fromPretrained(tinyModel(), folder);
    expect(peft.forward(IDS).shape).toEqual([3, 7, 40]);
    expect(warn).toHaveBeenCalledExactlyOnceWith(`${inFolder('adapter_config.json')}: unknown keys, which are ignored: new_thing, another`);
  });

  test('may be the least that PEFT can read', async () => {
    fs.writeFileSync(inFolder('adapter_config.json'), JSON.stringify({ peft_type: 'LORA', target_modules: ['q_proj', 'v_proj'], r: 4 }));
    expect((await PeftModel.fromPretrained(tinyModel(), folder)).peftConfig.default).toMatchObject({
      r: 4,
      loraAlpha: 8,
      bias: 'none',
      taskType: null,
    });
  });

  test.each([
    ['lora_bias', true],
    ['target_parameters', ['experts.w1']],
    ['layer_replication', [[0, 2]]],
    ['alora_invocation_tokens', [1, 2]],
    ['use_qalora', true],
    ['use_bdlora', { blocks: 2 }],
    ['arrow_config', { top_k: 2 }],
    ['kasa_config', { beta: 1 }],
    ['monteclora_config', {}],
    ['velora_config', { a: 1 }],
    ['layers_pattern', 'blocks'],
    ['init_lora_weights', 'loftq'],
    ['init_lora_weights', 'corda'],
    ['init_lora_weights', 'pissa_niter_16'],
    ['peft_type', 'PREFIX_TUNING'],
  ])('%s: %j is not supported', async (key, value) => {
    changeConfig({ [key]: value });
    if (key === 'monteclora_config')
      expect(await PeftModel.fromPretrained(tinyModel(), folder)).toBeDefined(); // an empty object is off
    else await refused(UnsupportedError, key);
  });

  test.each([
    ['an unknown start that leaves the base alone', { init_lora_weights: 'eva' }],
    ["a layer's pattern that is the default", { layers_pattern: ['layers'], layers_to_transform: [0, 1, 2] }],
    ['a number of layers given as one', { layers_to_transform: null }],
    ['a start in capitals', { init_lora_weights: true, fan_in_fan_out: true }],
  ])('takes %s', async (_, changes) => {
    changeConfig(changes);
    expect((await PeftModel.fromPretrained(tinyModel(), folder)).forward(IDS).dataSync()).toEqual(
      (await PeftModel.fromPretrained(tinyModel(), goldenPath('lora'))).forward(IDS).dataSync(),
    );
  });

  test.each<[string, unknown]>([
    ['r', 'four'],
    ['r', null],
    ['r', 1.5],
    ['r', -1],
    ['r', 1e300],
    ['r', 2 ** 40],
    ['lora_alpha', [8]],
    ['lora_dropout', 1],
    ['lora_dropout', -0.1],
    ['target_modules', null],
    ['target_modules', 7],
    ['target_modules', ['q_proj', 7]],
    ['target_modules', []],
    ['target_modules', ['nothing']],
    ['target_modules', '('],
    ['target_modules', '(.*.*.*.*.*.*.*.*)*x'],
    ['exclude_modules', '([a-z_.0-9]+)+!'],
    ['rank_pattern', { '([a-z_.0-9]+)+!': 2 }],
    ['rank_pattern', { q_proj: 'x' }],
    ['rank_pattern', [1]],
    ['alpha_pattern', { __proto__: null, '([a-z_.0-9]+)+!': 2 }],
    ['modules_to_save', ['nothing']],
    ['modules_to_save', ['mlp']],
    ['modules_to_save', ['norm', '']],
    ['bias', 'some'],
    ['use_dora', 'yes'],
    ['layers_to_transform', ['x']],
    ['layers_to_transform', [99]],
    ['peft_type', null],
    ['peft_type', 3],
    ['task_type', {}],
  ])('%s: %j is an error that says so', async (key, value) => {
    changeConfig({ [key]: value });
    if (key === 'r' && value === null) await refused(FormatError, '"r" is null; expected a number');
    else await refused(LowrankError, key === 'r' ? /"?r"?|rank|fit/ : /./);
  });

  test.each([
    ['target_modules', 'targetModules'],
    ['exclude_modules', 'excludeModules'],
    ['modules_to_save', 'modulesToSave'],
  ])('more than 1000 names in %s are refused', async (key, field) => {
    changeConfig({ [key]: Array.from({ length: 1001 }, (_, index) => `x${index}`) });
    await refused(LowrankError, `${field} has 1001 names; at most 1000 are taken`);
  });

  test.each([
    ['cut off', '{"peft_type": "LORA"'],
    ['empty', ''],
    ['a list', '[]'],
    ['a key given twice', '{"r": 1, "r": 2}'],
    ['nested without end', `{"a": ${'['.repeat(100_000)}`],
    ['half a surrogate pair', '{"peft_type": "LORA\\ud800"}'],
    ['a control character', '{"peft_type": "LORA\n"}'],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0xfe])],
    ['as large as no configuration', `{"a": "${'x'.repeat(2 ** 20)}"}`],
  ])('%s is refused', async (_, text) => {
    fs.writeFileSync(inFolder('adapter_config.json'), text);
    await refused(FormatError, 'adapter_config.json');
  });

  test.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])('the key %s changes no prototype', async (key) => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const plain = JSON.stringify(JSON.parse(fs.readFileSync(goldenPath('lora/adapter_config.json'), 'utf8')));
    const poison = `"${key}": {"polluted": 1}, "rank_pattern": {"${key}": 4}, "alpha_pattern": {"${key}": 4}`;
    fs.writeFileSync(inFolder('adapter_config.json'), plain.replace(/"(alpha|rank)_pattern":\{\},/g, '').replace('{', `{${poison},`));
    const peft = await PeftModel.fromPretrained(tinyModel(), folder);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(Object.keys((peft.peftConfig.default as LoraConfig).rankPattern)).toEqual([key]);
    peft.savePretrained(inFolder('again'));
    expect(fs.readFileSync(inFolder('again/adapter_config.json'), 'utf8')).toContain(`"${key}": 4`);
  });
});

describe('the tensors', () => {
  test('that are missing, unexpected or of another shape make one error', async () => {
    changeTensors((name, tensor) => {
      if (name.includes('layers.0')) return [];
      if (name.includes('layers.1')) return [[name, { ...tensor, shape: tensor.shape.toReversed() }]];
      return [
        [name, tensor],
        [name.replace('layers.2', 'layers.7'), tensor],
      ];
    });
    await refused(
      FormatError,
      new RegExp(
        [
          'does not fit this model and its configuration: ',
          '4 missing \\(base_model\\.model\\.model\\.layers\\.0\\.self_attn\\.q_proj\\.lora_A\\.weight, .*\\); ',
          '4 unexpected \\(base_model\\.model\\.model\\.layers\\.7\\..*\\); ',
          '4 unfit \\(base_model\\.model\\.model\\.layers\\.1\\.self_attn\\.q_proj\\.lora_A\\.weight \\[16,4\\] instead of \\[4,16\\], .*\\)$',
        ].join(''),
      ),
    );
  });

  test('are listed ten at most', async () => {
    changeTensors((name, tensor) => [[name.replace('base_model.', 'x.'), tensor]]);
    await refused(FormatError, /12 missing \((?:[^,]+, ){10}…\); 12 unexpected \((?:[^,]+, ){10}…\)$/);
  });

  test('none at all is an error', async () => {
    changeTensors(() => []);
    await refused(FormatError, '12 missing');
  });

  test('must be floats', async () => {
    changeTensors((name, tensor) => [[name, name.includes('lora_A') ? { ...tensor, dtype: 'I32' } : tensor]]);
    await refused(FormatError, 'of dtype I32, not a float');
  });

  test('of 16 bits are widened', async () => {
    changeTensors((name, { shape, bytes }) => {
      const words = new Uint16Array((bytes as Uint8Array).slice().buffer).filter((_, index) => index % 2 === 1); // a bfloat16 is a float32's upper half
      return [[name, { dtype: 'BF16', shape, bytes: new Uint8Array(words.slice().buffer) }]];
    });
    const [half, full] = await Promise.all(
      [folder, goldenPath('lora')].map(async (path) => (await PeftModel.fromPretrained(tinyModel(), path)).forward(IDS)),
    );
    const difference = largestDifference(half as tf.Tensor, full as tf.Tensor);
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(0.5);
  });

  test.each(['__proto__', 'constructor', 'base_model.model.__proto__', '../../x', '<img src=x onerror=alert(1)>', 'x'.repeat(5000)])(
    'named %.40s are unexpected, and nothing more',
    async (evil) => {
      changeTensors((name, tensor) => [
        [name, tensor],
        [`${evil}.${name}`, tensor],
      ]);
      await refused(FormatError, '12 unexpected');
      expect(({} as { polluted?: number }).polluted).toBeUndefined();
    },
  );

  test('cut off are refused before anything is read', async () => {
    fs.truncateSync(inFolder('adapter_model.safetensors'), 1500);
    await refused(FormatError, 'adapter_model.safetensors');
  });

  test('in a pickle are refused, because a pickle can run code', async () => {
    fs.renameSync(inFolder('adapter_model.safetensors'), inFolder('adapter_model.bin'));
    await refused(UnsupportedError, 'a pickle that could run code');
  });
});

test('a folder without an adapter says where there is one', async () => {
  await expect(PeftModel.fromPretrained(tinyModel(), goldenPath('several'))).rejects.toThrow('load one, three, two from there');
  await expect(PeftModel.fromPretrained(tinyModel(), inFolder('nowhere'))).rejects.toThrow('there is no such folder');
  fs.rmSync(inFolder('adapter_config.json'));
  await refused(FormatError, 'has no adapter_config.json');
});

test('loading in a wrong state changes nothing', async () => {
  const peft = await PeftModel.fromPretrained(tinyModel(), folder);
  expect(() => peft.loadAdapter(folder)).toThrow("there is an adapter 'default' already");
  expect(() => peft.loadAdapter(goldenPath('prompt'), { adapterName: 'prompt' })).toThrow(ArgumentError);
  peft.mergeAdapter();
  expect(() => peft.loadAdapter(folder, { adapterName: 'other' })).toThrow(StateError);
  expect(Object.keys(peft.peftConfig)).toEqual(['default']);
});

test('a second adapter that trains biases is refused: a model has its biases only once', async () => {
  const peft = await PeftModel.fromPretrained(tinyModel({ attentionBias: true }), goldenPath('biasLora'));
  const before = stateOf(peft.model, peft);
  expect(() => peft.loadAdapter(goldenPath('biasAll'), { adapterName: 'other' })).toThrow("'default' trains biases already");
  expect(stateOf(peft.model, peft)).toEqual(before);
  peft.deleteAdapter('default');
  peft.loadAdapter(goldenPath('biasAll'), { adapterName: 'other' });
});

test.each([
  ['a\0b', 'NUL'],
  ['x'.repeat(5000), 'the name is too long'],
  ['loop', 'form a circle'],
  ['file/below', 'there is no such folder'],
])('a path that cannot be followed is named: %#', async (name, reason) => {
  fs.symlinkSync(inFolder('loop'), inFolder('loop'));
  fs.writeFileSync(inFolder('file'), '');
  await expect(PeftModel.fromPretrained(tinyModel(), inFolder(name))).rejects.toRefuse(FormatError, reason);
});
