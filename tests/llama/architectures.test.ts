import fs from 'node:fs';
import {
  AdaptionPromptConfig,
  ArgumentError,
  type ChatMessage,
  exportGgufLora,
  FormatError,
  getPeftModel,
  LlamaForCausalLM,
  LoraConfig,
  llamaConfig,
  PeftModel,
  readGguf,
  readSafetensors,
  Tokenizer,
  tf,
  UnsupportedError,
} from 'lowrank';
import { describe, expect, test } from 'vitest';
import { goldenFolder } from '../goldenFolder';
import { temporaryFolder } from '../io/temporaryFolder';
import { asTorch, fill } from '../peft/tinyModel';
import { relativeError, rows } from './golden';

const path = temporaryFolder();
const { path: goldenPath, tensor: golden, names: goldenNames } = goldenFolder('qwen2');
const stored: {
  readonly generated: Record<string, number[][]>;
  readonly tokenizer: {
    readonly texts: { readonly text: string; readonly ids: number[] }[];
    readonly chats: { readonly messages: ChatMessage[]; readonly addGenerationPrompt: boolean; readonly text: string }[];
  };
} = JSON.parse(fs.readFileSync(goldenPath('golden.json'), 'utf8'));

/** Frees what it makes. */
function difference(actual: () => tf.Tensor, expected: string): number {
  return tf.tidy(() => relativeError(actual(), golden(expected)));
}

/** A copy of the plain model's folder with another configuration. */
function changed(name: string, change: object): string {
  fs.cpSync(goldenPath('plain'), path(name), { recursive: true });
  const config = JSON.parse(fs.readFileSync(goldenPath('plain/config.json'), 'utf8'));
  fs.writeFileSync(path(`${name}/config.json`), JSON.stringify({ ...config, ...change }));
  return path(name);
}

describe.each(['plain', 'plain.gguf', 'tied', 'tied.gguf'])('Qwen2 from %s', (file) => {
  const variant = file.replace('.gguf', '');

  test("has transformers' logits, padded too, loss, gradients and generated tokens", async () => {
    const model = await LlamaForCausalLM.fromPretrained(goldenPath(file));
    expect(model.config).toMatchObject({ modelType: 'qwen2', attentionBias: true, mlpBias: false, tieWordEmbeddings: variant === 'tied' });
    expect(difference(() => model.forward(rows.ids), `${variant}.logits`)).toBeLessThan(1e-5);
    const seen = tf.tensor(rows.mask).expandDims(2);
    const padded = tf.tidy(() =>
      relativeError(model.forward(rows.padded, { attentionMask: rows.mask }).mul(seen), golden(`${variant}.padded`).mul(seen)),
    );
    expect(padded).toBeLessThan(1e-5);
    const parameters = new Map(model.namedParameters());
    const { value, grads } = tf.variableGrads(() => model.loss(rows.ids, rows.labels), [...parameters.values()]);
    expect(difference(() => value, `${variant}.loss`)).toBeLessThan(1e-5);
    const prefix = `${variant}.gradients.`;
    expect([...parameters.keys()].sort()).toEqual(goldenNames(prefix).sort());
    for (const [name, variable] of parameters) {
      const gradient = () => asTorch(name, grads[variable.name] ?? tf.scalar(Number.NaN));
      expect(difference(gradient, `${prefix}${name}`), name).toBeLessThan(1e-4);
    }
    expect(await model.generate(rows.prompts, { maxNewTokens: 12, eosTokenId: [] })).toEqual(stored.generated[variant]);
    tf.dispose([seen, value, grads]);
    model.dispose();
  });

  test("under PEFT's LoRA on q, k, v and o with trained biases has PEFT's logits, gradients and merged logits", async () => {
    const load = async () =>
      PeftModel.fromPretrained(await LlamaForCausalLM.fromPretrained(goldenPath(file)), adapter, { isTrainable: true });
    const adapter = goldenPath(`${variant}Lora`);
    const peft = await load();
    expect(difference(() => peft.forward(rows.ids), `${variant}Lora.logits`)).toBeLessThan(1e-5);
    const parameters = peft.trainableParameters();
    const prefix = `${variant}Lora.gradients.`;
    expect([...parameters.keys()].sort()).toEqual(goldenNames(prefix).sort());
    const { value, grads } = tf.variableGrads(() => peft.loss(rows.ids, rows.labels), [...parameters.values()]);
    for (const [name, variable] of parameters) {
      const gradient = () => asTorch(name, grads[variable.name] ?? tf.scalar(Number.NaN));
      expect(difference(gradient, `${prefix}${name}`), name).toBeLessThan(1e-4);
    }
    tf.dispose([value, grads]);
    const merged = peft.mergeAndUnload();
    expect(difference(() => merged.forward(rows.ids), `${variant}Lora.merged`)).toBeLessThan(1e-4);
    merged.dispose();
  });
});

test('a Qwen2 model is saved as the files that transformers wrote it in', async () => {
  for (const variant of ['plain', 'tied']) {
    const model = await LlamaForCausalLM.fromPretrained(goldenPath(variant));
    model.savePretrained(path(variant));
    const [ours, theirs] = [path(variant), goldenPath(variant)].map((folder) => readSafetensors(`${folder}/model.safetensors`));
    expect([...(ours?.names ?? [])].sort()).toEqual([...(theirs?.names ?? [])].sort());
    for (const name of theirs?.names ?? []) expect(ours?.toFloat32(name), name).toEqual(theirs?.toFloat32(name));
    const [config, expected] = [path(variant), goldenPath(variant)].map((folder) =>
      JSON.parse(fs.readFileSync(`${folder}/config.json`, 'utf8')),
    );
    expect(config).toMatchObject({ architectures: expected.architectures, model_type: 'qwen2', hidden_size: 16 });
    expect(Object.keys(config)).not.toContain('attention_bias'); // transformers' Qwen2 has no such field
    const again = await LlamaForCausalLM.fromPretrained(path(variant));
    expect(again.config).toEqual(model.config);
    model.dispose();
    again.dispose();
  }
});

describe("Qwen2's tokenizer", () => {
  test("cuts texts and spells chats out as transformers' does", async () => {
    const tokenizer = await Tokenizer.fromPretrained(goldenPath('tokenizer'));
    for (const { text, ids } of stored.tokenizer.texts) expect(tokenizer.encode(text), text).toEqual(ids);
    for (const { messages, addGenerationPrompt, text } of stored.tokenizer.chats) {
      expect(tokenizer.applyChatTemplate(messages, { addGenerationPrompt })).toBe(text);
    }
  });

  test('is read from a GGUF file too, in which nothing is composed (NFC)', async () => {
    const tokenizer = await Tokenizer.fromPretrained(goldenPath('tokenizer.gguf'));
    for (const { text, ids } of stored.tokenizer.texts)
      if (text === text.normalize('NFC')) expect(tokenizer.encode(text), text).toEqual(ids);
    for (const { messages, addGenerationPrompt, text } of stored.tokenizer.chats) {
      expect(tokenizer.applyChatTemplate(messages, { addGenerationPrompt })).toBe(text);
    }
  });
});

describe('what config.json asks of Qwen2', () => {
  test('is refused by name where layers would see less than all', async () => {
    for (const window of [
      { use_sliding_window: true, sliding_window: 8, max_window_layers: 1, layer_types: undefined },
      { use_sliding_window: true, sliding_window: 8, layer_types: ['full_attention', 'sliding_attention'] },
    ]) {
      const load = LlamaForCausalLM.fromPretrained(changed('windowed', window));
      await expect(load).rejects.toRefuse(UnsupportedError, /layers that see only the last 8 tokens .* lower the 64 positions to that/);
    }
  });

  test('is read where a window shuts nothing out', async () => {
    for (const window of [
      { use_sliding_window: true, sliding_window: 64, max_window_layers: 0, layer_types: undefined },
      { use_sliding_window: true, sliding_window: 8, max_window_layers: 2, layer_types: undefined },
      { use_sliding_window: false, sliding_window: 8, max_window_layers: 0, layer_types: undefined },
    ]) {
      const model = await LlamaForCausalLM.fromPretrained(changed('open', window));
      expect(difference(() => model.forward(rows.ids), 'plain.logits')).toBeLessThan(1e-5);
      model.dispose();
    }
  });

  test('has the defaults of transformers where it is left out', async () => {
    const config = changed('short', { max_position_embeddings: undefined, model_type: undefined, num_key_value_heads: 2 });
    const model = await LlamaForCausalLM.fromPretrained(config);
    expect(model.config).toMatchObject({ modelType: 'qwen2', maxPositionEmbeddings: 32_768 });
    model.dispose();
  });

  test.each([
    [{ mlp_bias: true }, /mlpBias is true, but of every qwen2 model it is false; leave it out/],
    [{ attention_bias: false }, /attentionBias is false, but of every qwen2 model it is true; leave it out/],
  ])('is refused by name where Qwen2 has no such part: %o', async (change, message) => {
    const load = LlamaForCausalLM.fromPretrained(changed('biases', change));
    await expect(load).rejects.toRefuse(FormatError, message);
  });
});

test('the biases of an architecture are its own, and another architecture is none', () => {
  const sizes = { vocabSize: 10, hiddenSize: 8, intermediateSize: 8, numHiddenLayers: 1, numAttentionHeads: 2 };
  const model = LlamaForCausalLM.fromConfig({ ...sizes, modelType: 'qwen2' });
  const biases = [...model.namedParameters()].map(([name]) => name).filter((name) => name.endsWith('.bias'));
  expect(biases).toEqual(['q_proj', 'k_proj', 'v_proj'].map((name) => `model.layers.0.self_attn.${name}.bias`));
  model.dispose();
  expect(() => llamaConfig({ ...sizes, modelType: 'qwen2', attentionBias: false })).toThrow(ArgumentError);
  expect(() => llamaConfig({ ...sizes, modelType: 'gpt2' as never })).toThrow('modelType "gpt2" is none of "llama", "mistral", "qwen2"');
});

test('a prefix on Qwen2 is refused, as by PEFT, whose files would not hold one', async () => {
  const model = await LlamaForCausalLM.fromPretrained(goldenPath('plain'));
  const prefix = () => getPeftModel(model, new AdaptionPromptConfig({ adapterLen: 2, adapterLayers: 1 }));
  expect(prefix).toRefuse(UnsupportedError, /PEFT has no adaption prompt for qwen2 models/);
  model.dispose();
});

test('LoRA for llama.cpp keeps the rows of q and k, as its Qwen2 files do', async () => {
  const peft = getPeftModel(
    await LlamaForCausalLM.fromPretrained(goldenPath('plain')),
    new LoraConfig({ r: 2, loraAlpha: 2, targetModules: ['q_proj'] }),
  );
  fill(peft.trainableParameters().values());
  exportGgufLora(peft, path('lora.gguf'));
  const file = await readGguf(path('lora.gguf'));
  expect(file.metadata.get('general.architecture')).toBe('qwen2');
  const [, b] = [...peft.trainableParameters()].find(([name]) => name.includes('layers.0.self_attn.q_proj.lora_B')) ?? [];
  expect([...file.toFloat32('blk.0.attn_q.weight.lora_b')]).toEqual([...(tf.tidy(() => b?.transpose().dataSync()) ?? [])]);
  peft.dispose();
});

describe('Mistral', () => {
  const { path: mistral, tensor: expected } = goldenFolder('mistral');
  const mistralPath = mistral('');
  const withWindow = (name: string, change: object): string => {
    fs.cpSync(mistralPath, path(name), { recursive: true });
    const config = JSON.parse(fs.readFileSync(mistral('config.json'), 'utf8'));
    fs.writeFileSync(path(`${name}/config.json`), JSON.stringify({ ...config, ...change }));
    return path(name);
  };

  test("without a window has transformers' logits, padded too, and is saved without one", async () => {
    const model = await LlamaForCausalLM.fromPretrained(mistralPath);
    expect(model.config).toMatchObject({ modelType: 'mistral', attentionBias: false, headDim: 8 });
    expect(tf.tidy(() => relativeError(model.forward(rows.ids), expected('logits')))).toBeLessThan(1e-5);
    const padded = tf.tidy(() => {
      const seen = tf.tensor(rows.mask).expandDims(2);
      return relativeError(model.forward(rows.padded, { attentionMask: rows.mask }).mul(seen), expected('padded').mul(seen));
    });
    expect(padded).toBeLessThan(1e-5);
    model.savePretrained(path('mistralSaved'));
    const config = JSON.parse(fs.readFileSync(path('mistralSaved/config.json'), 'utf8'));
    expect(config).toMatchObject({ model_type: 'mistral', architectures: ['MistralForCausalLM'], sliding_window: null });
    const again = await LlamaForCausalLM.fromPretrained(path('mistralSaved'));
    expect(again.config).toEqual(model.config);
    again.dispose();
    model.dispose();
  });

  test('with a window that shuts nothing out is read', async () => {
    const model = await LlamaForCausalLM.fromPretrained(withWindow('mistralWide', { sliding_window: 64 }));
    expect(tf.tidy(() => relativeError(model.forward(rows.ids), expected('logits')))).toBeLessThan(1e-5);
    model.dispose();
  });

  test.each([8, undefined])('with a window of %s tokens below its positions is refused by name', async (window) => {
    const load = LlamaForCausalLM.fromPretrained(withWindow(`mistral${window}`, { sliding_window: window, max_position_embeddings: 8192 }));
    await expect(load).rejects.toRefuse(UnsupportedError, `layers that see only the last ${window ?? 4096} tokens`);
  });
});
