import fs from 'node:fs';
import {
  AbortedError,
  FormatError,
  LlamaForCausalLM,
  readGguf,
  readSafetensors,
  type TensorToStore,
  UnsupportedError,
  writeSafetensors,
} from 'lowrank';
import { describe, expect, test, vi } from 'vitest';
import { defaultModelPath } from '../../../lib/lowrank/src/cli/defaultModel';
import { GgufError } from '../../../lib/lowrank/src/io';
import { configFromGguf } from '../../../lib/lowrank/src/llama/files/ggufConfig';
import smollm2 from '../../golden/smollm2.json';
import { type Field, float32, GGUF, ggufFile, type Parts, string, uint32 } from '../../io/ggufFile';
import { temporaryFolder } from '../../io/temporaryFolder';
import { expectClose, golden, goldenPath, leaked, rows, tinyModel } from '../golden';
import { expectLogitsOfTransformers } from './smollm2Logits';

const path = temporaryFolder();

/** A copy of the plain model's folder with another configuration or other tensors. */
function changedFolder(name: string, changes: { config?: object; tensors?: (tensors: Map<string, TensorToStore>) => void }): string {
  const folder = path(name);
  fs.mkdirSync(folder);
  const config = JSON.parse(fs.readFileSync(goldenPath('plain/config.json'), 'utf8'));
  fs.writeFileSync(`${folder}/config.json`, JSON.stringify({ ...config, ...changes.config }));
  const file = readSafetensors(goldenPath('plain/model.safetensors'));
  const tensors = new Map<string, TensorToStore>(file.names.map((tensor) => [tensor, file.read(tensor)]));
  changes.tensors?.(tensors);
  writeSafetensors(`${folder}/model.safetensors`, tensors);
  return folder;
}

describe('a GGUF file of llama.cpp gives the model that it was made from', () => {
  test.each(['biased', 'linear', 'llama3'] as const)('%s', async (variant) => {
    const [model, original] = [await LlamaForCausalLM.fromPretrained(goldenPath(`${variant}.gguf`)), await tinyModel(variant)];
    expect(model.config).toMatchObject({ ...original.config, padTokenId: undefined, eosTokenId: 2, rmsNormEps: Math.fround(1e-5) });
    expectClose(() => [model.forward(rows.ids), golden(`${variant}.logits`)]);
    model.dispose();
    original.dispose();
  });
});

test('an adapter beside a model is said not to be put on, which transformers would do', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const folder = changedFolder('beside', {});
  fs.writeFileSync(`${folder}/adapter_config.json`, '{}');
  (await LlamaForCausalLM.fromPretrained(folder)).dispose();
  expect(warn.mock.calls.flat().join()).toMatch(/beside holds an adapter beside the model: it is not put on/);
  warn.mockRestore();
});

test('attention dropout is said not to be applied', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  (await LlamaForCausalLM.fromPretrained(changedFolder('dropping', { config: { attention_dropout: 0.1 } }))).dispose();
  expect(warn.mock.calls.flat().join()).toMatch(/config.json: attention_dropout 0.1 is not applied in training here/);
  warn.mockRestore();
});

test.each([
  [{ eos: 2, eot: 7, eom: 2 }, [2, 7]],
  [{ eos: 2, eot: 2 }, 2],
  [{ eot: 3 }, 3],
  [{}, undefined],
])('the end tokens %j of a GGUF file are %j, as for llama.cpp', async (ids: Readonly<Record<string, number>>, expected) => {
  const fields = Object.entries(ids).map(([name, id]): Field => [`tokenizer.ggml.${name}_token_id`, GGUF.uint32, uint32(id)]);
  fs.writeFileSync(path('ends.gguf'), ggufFile({ fields: [...SIZES, ...fields] }));
  expect(configFromGguf(await readGguf(path('ends.gguf'))).eosTokenId).toEqual(expected);
});

test.each<[string, readonly Field[], object | undefined]>([
  ["'none'", [['llama.rope.scaling.type', GGUF.string, string('none')]], undefined],
  ["'linear'", [['llama.rope.scaling.type', GGUF.string, string('linear')]], { ropeType: 'linear', factor: 2 }],
  ['not given', [], { ropeType: 'linear', factor: 2 }],
])('with a factor of 2, a rotary scaling that is %s scales as in llama.cpp', async (_, fields, expected) => {
  const factor: Field = ['llama.rope.scaling.factor', GGUF.float32, float32(2)];
  fs.writeFileSync(path('scaled.gguf'), ggufFile({ fields: [...SIZES, ...fields, factor] }));
  expect(configFromGguf(await readGguf(path('scaled.gguf'))).ropeScaling).toEqual(expected);
});

const text = (key: string, value: string): Field => [key, GGUF.string, string(value)];
const integer = (key: string, value: number): Field => [key, GGUF.uint32, uint32(value)];
const SIZES = [
  text('general.architecture', 'llama'),
  integer('llama.attention.head_count', 2),
  integer('llama.embedding_length', 8),
  integer('llama.feed_forward_length', 8),
  integer('llama.block_count', 1),
  integer('llama.context_length', 16),
  ['llama.attention.layer_norm_rms_epsilon', GGUF.float32, float32(1e-5)] as const,
  integer('llama.vocab_size', 4),
];

describe('a GGUF file of another kind is unsupported', () => {
  const frequencies = (...values: number[]) => ({
    entries: [{ name: 'rope_freqs.weight', dimensions: [values.length], type: 0, offset: 0 }],
    data: Buffer.concat(values.map(float32)),
  });
  const load = (parts: Parts) => {
    fs.writeFileSync(path('kind.gguf'), ggufFile(parts));
    return LlamaForCausalLM.fromPretrained(path('kind.gguf'));
  };

  test.each<[string, Parts, RegExp]>([
    ['architecture', { fields: [text('general.architecture', 'gemma')] }, /architecture is 'gemma'; read are 'llama' and 'qwen2'/],
    ['mixture of experts', { fields: [...SIZES, integer('llama.expert_count', 8)] }, /mixtures of experts/],
    ['attention', { fields: [...SIZES, ['llama.attention.causal', GGUF.bool, Buffer.of(0)]] }, /attention.causal is false/],
    ['half rotation', { fields: [...SIZES, integer('llama.rope.dimension_count', 2)] }, /rotates 2 of 4 elements/],
    [
      'scaling',
      { fields: [...SIZES, text('llama.rope.scaling.type', 'yarn'), ['llama.rope.scaling.factor', GGUF.float32, float32(2)]] },
      /scaled by 'yarn'/,
    ],
    ['divisors', { fields: SIZES, ...frequencies(3, 1) }, /divisors in rope_freqs.weight are not those of Llama 3/],
    [
      'divisors beside a factor',
      { fields: [...SIZES, ['llama.rope.scaling.factor', GGUF.float32, float32(2)]], ...frequencies(1, 1) },
      /scales by rope_freqs.weight and by rope.scaling.factor 2/,
    ],
    [
      'divisors beside another scaling',
      { fields: [...SIZES, text('llama.rope.scaling.type', 'yarn')], ...frequencies(1, 1) },
      /scaled by 'yarn'/,
    ],
  ])('by its %s', async (_, parts, message) => {
    await expect(load(parts)).rejects.toRefuse(UnsupportedError, message);
  });

  test.each<[string, Parts, RegExp]>([
    ['no sizes', { fields: SIZES.slice(0, 2) }, /no metadata 'llama.embedding_length'/],
    [
      'a size in words',
      { fields: [...SIZES.slice(0, 2), text('llama.embedding_length', '8')] },
      /'llama.embedding_length' is not one number/,
    ],
    ['divisors of another head', { fields: SIZES, ...frequencies(1, 1, 1) }, /rope_freqs.weight is not one divisor per pair/],
    ['no tensors', { fields: SIZES }, /'model.embed_tokens.weight' is missing/],
  ])('and malformed with %s', async (_, parts, message) => {
    await expect(load(parts)).rejects.toRefuse(FormatError, message);
  });
});

describe('SmolLM2, as transformers reads it from the same file', () => {
  test('its loss, its logits after a prompt, and what it writes on', async () => {
    const model = await LlamaForCausalLM.fromPretrained(defaultModelPath());
    expect(model.config).toMatchObject({ hiddenSize: 576, numHiddenLayers: 30, numAttentionHeads: 9, numKeyValueHeads: 3, headDim: 64 });
    for (const { ids, loss } of smollm2.prompts) {
      const ours = model.loss([ids], [ids]);
      expect(Math.abs((ours.dataSync()[0] ?? Number.NaN) / loss - 1)).toBeLessThan(1e-5);
      ours.dispose();
    }
    expectLogitsOfTransformers(model);
    const [continuations, prompts] = [smollm2.prompts.map(({ continuation }) => continuation), smollm2.prompts.map(({ ids }) => ids)];
    const written = { maxNewTokens: 16 }; // as many as transformers has written
    expect(await model.generate(prompts, written)).toEqual(continuations);
    expect(await model.generate(prompts.slice(0, 1), written)).toEqual(continuations.slice(0, 1));
    model.dispose();
  });
});

describe('a configuration of any age', () => {
  const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 16 };
  test.each([
    ['rope_scaling with rope_type', { rope_parameters: null, rope_theta: 500, rope_scaling: { rope_type: 'llama3', ...llama3 } }],
    ['rope_scaling with type', { rope_parameters: null, rope_theta: 500, rope_scaling: { type: 'llama3', ...llama3 } }],
    [
      'rope_scaling beside rope_parameters that say otherwise',
      { rope_theta: 500, rope_scaling: { rope_type: 'llama3', ...llama3 }, rope_parameters: { rope_type: 'default', rope_theta: 7 } },
    ],
    ['rope_parameters', { rope_parameters: { rope_type: 'llama3', rope_theta: 500, ...llama3 } }],
  ])('%s', async (_, config) => {
    const model = await LlamaForCausalLM.fromPretrained(changedFolder(`rope ${_}`, { config }));
    expect(model.config).toMatchObject({
      ropeTheta: 500,
      ropeScaling: { ropeType: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 16 },
    });
    model.dispose();
  });

  test('leaves out what has a default, and says no padding as LLaMA 1 does', async () => {
    const config = { rope_parameters: undefined, head_dim: undefined, model_type: undefined, pad_token_id: -1, eos_token_id: [2, 3] };
    const model = await LlamaForCausalLM.fromPretrained(changedFolder('defaults', { config }));
    expect(model.config).toMatchObject({
      ropeTheta: 10_000,
      headDim: 4,
      padTokenId: undefined,
      eosTokenId: [2, 3],
      ropeScaling: undefined,
    });
    expectClose(() => [model.forward(rows.ids), golden('plain.logits')]);
    model.dispose();
  });

  test('ends where generation_config.json says', async () => {
    const folder = changedFolder('generation', {});
    fs.writeFileSync(`${folder}/generation_config.json`, JSON.stringify({ eos_token_id: [7, 8], pad_token_id: null }));
    const model = await LlamaForCausalLM.fromPretrained(folder);
    expect(model.config).toMatchObject({ eosTokenId: [7, 8], padTokenId: undefined, bosTokenId: undefined });
    model.dispose();
  });

  test.each([{}, { _from_model_config: true, bos_token_id: 1 }, { eos_token_id: null, bos_token_id: 1 }])(
    'has no end token where generation_config.json is %j, as in transformers 5, and says so',
    async (generation) => {
      const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
      const folder = changedFolder(`endless${Object.keys(generation)}`, { config: { eos_token_id: 2 } });
      fs.writeFileSync(`${folder}/generation_config.json`, JSON.stringify(generation));
      const model = await LlamaForCausalLM.fromPretrained(folder);
      expect(model.config.eosTokenId).toBeUndefined();
      expect(warned.mock.calls.flat().join()).toMatch(/generate does not end at eos_token_id 2, .* pass it as eosTokenId/);
      warned.mockRestore();
      model.dispose();
    },
  );

  test('says which settings of generation_config.json generate does not take up', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const folder = changedFolder('sampling', {});
    const write = (document: object) => fs.writeFileSync(`${folder}/generation_config.json`, JSON.stringify(document));
    write({ do_sample: true, temperature: 0.6, top_k: 50, num_beams: null, stop_strings: ['.'], eta_cutoff: 0, eos_token_id: 2 });
    (await LlamaForCausalLM.fromPretrained(folder)).dispose();
    const settings = 'do_sample true, temperature 0.6, stop_strings ["."]; pass what you want as its options';
    expect(warned.mock.calls).toEqual([[`${folder}/generation_config.json: generate does not take up ${settings}`]]);
    write({ do_sample: false, temperature: 1, eos_token_id: 2 });
    (await LlamaForCausalLM.fromPretrained(folder)).dispose();
    expect(warned).toHaveBeenCalledTimes(1);
    const lesser = { encoder_no_repeat_ngram_size: 2, top_h: 0.4, penalty_alpha: 0.6, dola_layers: 'low', num_beam_groups: 2 };
    const others = { diversity_penalty: 0.5, force_words_ids: [[3]], constraints: [3], renormalize_logits: true, max_time: 1 };
    const all = { ...lesser, ...others, remove_invalid_values: true, token_healing: true, watermarking_config: {} };
    write(all);
    (await LlamaForCausalLM.fromPretrained(folder)).dispose();
    expect(Object.keys(all).filter((name) => !warned.mock.calls.at(-1)?.join().includes(` ${name} `))).toEqual([]);
    warned.mockRestore();
  });

  test('says so of config.json where that is missing, from which transformers then takes them', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const config = { repetition_penalty: 1.5, num_beams: 1 };
    (await LlamaForCausalLM.fromPretrained(changedFolder('penalty', { config }))).dispose();
    const file = 'penalty/config.json: generate does not take up repetition_penalty 1.5; pass what you want as its options';
    expect(warned.mock.calls).toEqual([[path(file)]]);
    fs.writeFileSync(path('penalty/generation_config.json'), '{"eos_token_id": 2}');
    (await LlamaForCausalLM.fromPretrained(path('penalty'))).dispose();
    expect(warned).toHaveBeenCalledTimes(1);
    warned.mockRestore();
  });

  test.each([
    ['another architecture', { model_type: 'gemma' }, /model_type is "gemma"; read are "llama", "mistral", "qwen2"/],
    ['another activation', { hidden_act: 'gelu' }, /hidden_act is "gelu"/],
    ['quantised weights', { quantization_config: { bits: 4 } }, /quantised/],
    ['another scaling', { rope_parameters: { rope_type: 'yarn', factor: 2 } }, /scaled by "yarn"; read are linear and llama3/],
    ['attention to later tokens', { is_causal: false }, /is_causal is false: tokens see later ones/],
    [
      'a rotation for each kind of layer',
      { rope_parameters: { full_attention: { rope_theta: 5 } } },
      /sets rotations by layer .*full_attention/,
    ],
    ['half-rotated heads', { rope_parameters: { partial_rotary_factor: 0.5 } }, /partial_rotary_factor is 0.5/],
  ])('of %s is unsupported', async (name, config, message) => {
    const load = LlamaForCausalLM.fromPretrained(changedFolder(name, { config }));
    await expect(load).rejects.toRefuse(UnsupportedError, message);
  });

  test.each([
    ['no width', { hidden_size: null }, /"hidden_size" is missing/],
    ['a width in words', { hidden_size: '16' }, /"hidden_size" is "16"; expected a number/],
    ['heads that do not fit', { num_key_value_heads: 3 }, /numAttentionHeads 4 is not a multiple of numKeyValueHeads 3/],
    ['no heads', { num_attention_heads: 0 }, /numAttentionHeads 0 is not a whole number/],
    ['a negative scale', { rope_parameters: { rope_type: 'linear', factor: -1 } }, /ropeScaling.factor -1 is not above 0/],
    ['a scaling without a factor', { rope_parameters: { rope_type: 'linear' } }, /"factor" is missing/],
    ['more layers than the file has, by far', { num_hidden_layers: 1e15 }, /'model\.layers\.2\..*' is missing/],
    [
      'a vocabulary that the file does not have',
      { vocab_size: 2 ** 40 },
      /'model.embed_tokens.weight' has shape \[40,16\], not \[1099511627776,16\]/,
    ],
    ['biases that the file does not have', { attention_bias: true }, /'model\.layers\.0\.self_attn\.q_proj\.bias' is missing/],
  ])('with %s is refused by name', async (name, config, message) => {
    const load = LlamaForCausalLM.fromPretrained(changedFolder(name, { config }));
    await expect(load).rejects.toRefuse(FormatError, message);
    await expect(load).rejects.toThrow(path(name));
  });
});

describe('tensors', () => {
  const bytes = (values: Uint8Array | Uint16Array | Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

  test('of 8, 16 and 32 bits are read in one file', async () => {
    const cast: [string, TensorToStore['dtype'], (count: number) => Uint8Array][] = [
      ['model.layers.0.self_attn.q_proj.weight', 'F8_E4M3', (n) => new Uint8Array(n).fill(0x38)], // 1
      ['model.layers.0.self_attn.k_proj.weight', 'F8_E5M2', (n) => new Uint8Array(n).fill(0xc0)], // -2
      ['model.layers.0.self_attn.v_proj.weight', 'BF16', (n) => bytes(new Uint16Array(n).fill(0x3f00))], // 0.5
      ['model.layers.0.self_attn.o_proj.weight', 'F16', (n) => bytes(new Uint16Array(n).fill(0x3e00))], // 1.5
    ];
    const folder = changedFolder('formats', {
      tensors: (tensors) => {
        for (const [name, dtype, make] of cast) {
          const { shape } = tensors.get(name) as TensorToStore;
          tensors.set(name, { dtype, shape, bytes: make(shape.reduce((a, b) => a * b)) });
        }
      },
    });
    const model = await LlamaForCausalLM.fromPretrained(folder);
    const parameters = new Map(model.namedParameters());
    expect(cast.map(([name]) => [...new Set(parameters.get(name)?.dataSync())])).toEqual([[1], [-2], [0.5], [1.5]]);
    model.dispose();
  });

  test('of a tied model may be stored under either name, or both', async () => {
    for (const drop of ['lm_head.weight', 'model.embed_tokens.weight', 'none']) {
      const folder = changedFolder(`tied ${drop}`, { config: { tie_word_embeddings: true }, tensors: (tensors) => tensors.delete(drop) });
      const model = await LlamaForCausalLM.fromPretrained(folder);
      const stored = drop === 'model.embed_tokens.weight' ? 'lm_head.weight' : 'model.embed_tokens.weight';
      const expected = readSafetensors(goldenPath('plain/model.safetensors')).toFloat32(stored);
      expect(model.model.embedTokens.weight.shape).toEqual([40, 16]);
      expect([...(new Map(model.namedParameters()).get('model.embed_tokens.weight')?.dataSync() ?? [])]).toEqual([...expected]);
      expect(model.config.tieWordEmbeddings).toBe(drop !== 'none'); // two tables that differ stay two, as in transformers 5
      model.dispose();
    }
  });

  test('that are missing, of another shape, or unknown are listed', async () => {
    const folder = changedFolder('wrong', {
      tensors: (tensors) => {
        tensors.delete('model.norm.weight');
        tensors.set('lm_head.weight', { dtype: 'F32', shape: [16, 40], bytes: new Uint8Array(4 * 640) });
        tensors.set('score.weight\n', { dtype: 'F32', shape: [1], bytes: new Uint8Array(4) });
        tensors.set('model.layers.0.self_attn.rotary_emb.inv_freq', { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) });
      },
    });
    const load = LlamaForCausalLM.fromPretrained(folder);
    await expect(load).rejects.toThrow(FormatError);
    await expect(load).rejects.toThrow(
      "'model.norm.weight' is missing; 'lm_head.weight' has shape [16,40], not [40,16]; \"score.weight\\n\" is not expected",
    );
    await expect(load).rejects.not.toThrow('inv_freq');
  });
});

describe('what is not there, or cut off', () => {
  test('no file, no configuration, no weights', async () => {
    await expect(LlamaForCausalLM.fromPretrained(path('nowhere'))).rejects.toRefuse(FormatError, /nowhere.*ENOENT.*check the path/);
    fs.mkdirSync(path('empty'));
    await expect(LlamaForCausalLM.fromPretrained(path('empty'))).rejects.toThrow(/config\.json.*ENOENT/);
    fs.copyFileSync(goldenPath('plain/config.json'), path('empty/config.json'));
    await expect(LlamaForCausalLM.fromPretrained(path('empty'))).rejects.toThrow(/neither model\.safetensors nor/);
    fs.writeFileSync(path('empty/pytorch_model.bin'), '');
    await expect(LlamaForCausalLM.fromPretrained(path('empty'))).rejects.toThrow(UnsupportedError);
  });

  test('a cut-off file, wherever it is cut, of either format', async () => {
    const whole = fs.readFileSync(goldenPath('biased.gguf'));
    for (const part of [0, 3, 100, 2000, whole.length - 1]) {
      fs.writeFileSync(path('cut.gguf'), whole.subarray(0, part));
      await expect(LlamaForCausalLM.fromPretrained(path('cut.gguf'))).rejects.toThrow(GgufError);
    }
    const folder = changedFolder('cut', {});
    const tensors = fs.readFileSync(goldenPath('plain/model.safetensors'));
    for (const part of [0, 7, 100, tensors.length - 1]) {
      fs.writeFileSync(`${folder}/model.safetensors`, tensors.subarray(0, part));
      await expect(LlamaForCausalLM.fromPretrained(folder)).rejects.toThrow(/model\.safetensors, byte \d+: /);
    }
  });

  test('an index that leads out of the folder, or to a tensor that is not there', async () => {
    const folder = path('index');
    fs.cpSync(goldenPath('llama3'), folder, { recursive: true });
    const index = JSON.parse(fs.readFileSync(`${folder}/model.safetensors.index.json`, 'utf8'));
    const load = async (place: unknown) => {
      const changed = { ...index, weight_map: { ...index.weight_map, 'model.norm.weight': place } };
      fs.writeFileSync(`${folder}/model.safetensors.index.json`, JSON.stringify(changed));
      return LlamaForCausalLM.fromPretrained(folder);
    };
    const outside = ['../plain/model.safetensors', '/etc/passwd', 'a/b.safetensors', 7, null];
    for (const place of outside) await expect(load(place)).rejects.toThrow(/is not the name of a safetensors file in this folder/);
    await expect(load('model-00009-of-00003.safetensors')).rejects.toThrow(/model-00009.*ENOENT/);
    const other = Object.values(index.weight_map).find((place) => place !== index.weight_map['model.norm.weight']);
    await expect(load(other)).rejects.toThrow(/has no tensor "model.norm.weight", against the index/);
  });
});

test('progress is told by parameter, and a signal stops the loading without a rest', async () => {
  const seen: number[] = [];
  const model = await LlamaForCausalLM.fromPretrained(goldenPath('plain'), {
    onProgress: ({ name, done, total }) => {
      expect([name.length > 0, total]).toEqual([true, 5200]);
      seen.push(done);
    },
  });
  expect(seen).toHaveLength(21);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen.at(-1)).toBe(5200);
  model.dispose();

  const leak = await leaked(async () => {
    const abort = new AbortController();
    const onProgress = ({ done }: { readonly done: number }) => done > 2000 && abort.abort();
    const load = LlamaForCausalLM.fromPretrained(goldenPath('plain'), { signal: abort.signal, onProgress });
    await expect(load).rejects.toRefuse(AbortedError, /plain was stopped after 2\d\d\d of 5200 values/);
  });
  expect(leak).toBe(0);
});
