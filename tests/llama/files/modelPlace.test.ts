import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import nodePath from 'node:path';
import { LlamaForCausalLM, LowrankError, Tokenizer } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { modelPlace } from '../../../lib/lowrank/src/llama/files/modelPlace';
import { temporaryFolder } from '../../io/temporaryFolder';
import { goldenPath } from '../golden';

const path = temporaryFolder();
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 12345\n`;

function folderOf(name: string, files: Readonly<Record<string, string>>): string {
  for (const [file, content] of Object.entries(files)) {
    fs.mkdirSync(nodePath.dirname(path(`${name}/${file}`)), { recursive: true });
    fs.writeFileSync(path(`${name}/${file}`), content);
  }
  return path(name);
}

describe('what people take for a model is named, with what to do', () => {
  test.each<[string, () => string, RegExp]>([
    ["a hub's name", () => 'some-org/some-model-135M', /name on the Hugging Face hub; nothing is downloaded/],
    ['nothing', () => path('nothing'), /no such file or folder \(ENOENT\); check the path/],
    ['a NUL character', () => 'a\0b', /contains a NUL character/],
    ['a name that is too long', () => 'a'.repeat(5000), /name is too long, ENAMETOOLONG/],
    ['a file in place of a folder', () => `${goldenPath('biased.gguf')}/model`, /ENOENT|ENOTDIR/],
    [
      'an adapter',
      () => folderOf('adapter', { 'adapter_config.json': '{"base_model_name_or_path":"a/base"}', 'adapter_model.safetensors': '' }),
      /holds an adapter of the base "a\/base", not a model: load the base/,
    ],
    ['several GGUF files', () => folderOf('several', { 'a.gguf': '', 'b.gguf': '' }), /2 GGUF files; give one of them: a\.gguf, b\.gguf/],
    [
      'the parts of a GGUF file',
      () => folderOf('parts', { 'm-00001-of-00002.gguf': '', 'm-00002-of-00002.gguf': '' }),
      /holds parts of GGUF models: m-00001-of-00002\.gguf, m-00002-of-00002\.gguf; join the parts with .*--merge FIRST-PART OUT\.gguf/,
    ],
    ['part of a GGUF file', () => `${folderOf('part', { 'm-00001-of-00003.gguf': '' })}/m-00001-of-00003.gguf`, /part 1 .* 3 files; join/],
    ["Meta's format", () => folderOf('meta', { 'consolidated.00.pth': '', 'params.json': '{}' }), /consolidated\.00\.pth.*not read here/],
    ['a pickle', () => `${folderOf('pickle', { 'model.pt': '' })}/model.pt`, /a pickle, which can run code/],
    ['a folder of pickles', () => folderOf('pickles', { 'pytorch_model.bin': '' }), /pytorch_model\.bin, a pickle/],
    ['an ONNX folder', () => folderOf('onnx', { 'model.onnx': '' }), /ONNX model \(model\.onnx\)/],
    [
      'a pipeline of diffusers',
      () => folderOf('diffusers', { 'model_index.json': '{}', 'unet/config.json': '{}' }),
      /is a pipeline of diffusers \(model_index\.json\), not a language model/,
    ],
    ...['model.fp16.safetensors', 'consolidated.safetensors', 'weights.npz', 'flax_model.msgpack', 'tf_model.h5', 'openvino_model.xml'].map(
      (name): [string, () => string, RegExp] => [
        name,
        () => folderOf(`only ${name}`, { 'config.json': fs.readFileSync(goldenPath('plain/config.json'), 'utf8'), [name]: '' }),
        new RegExp(`has neither model\\.safetensors nor .*; ${name} is not read in their place; save the model there`),
      ],
    ),
    ['an archive', () => `${folderOf('zip', { 'model.zip': '' })}/model.zip`, /is an archive; unpack it/],
    ['one file of a model', () => goldenPath('plain/model.safetensors'), /one file of a model; give its folder/],
    ['a run with checkpoints', () => folderOf('run', { 'checkpoint-500/config.json': '{}' }), /give one of checkpoint-500/],
    ['a run with adapters', () => folderOf('adapters', { 'checkpoint-5/adapter_config.json': '{}' }), /hold adapters: checkpoint-5/],
  ])('%s', async (_, place, reason) => {
    const given = place();
    await expect(LlamaForCausalLM.fromPretrained(given)).rejects.toRefuse(LowrankError, reason);
  });

  test("links in a circle, a pipe and a device are refused at once, by the model's and the tokenizer's reader", async () => {
    fs.symlinkSync(path('circle'), path('circle'));
    execFileSync('mkfifo', [path('pipe')]);
    for (const [place, reason] of [
      [path('circle'), /links form a circle, ELOOP/],
      [path('pipe'), /not a regular file/],
      ['/dev/zero', /not a regular file/],
    ] as const) {
      await expect(LlamaForCausalLM.fromPretrained(place)).rejects.toThrow(reason);
      await expect(Tokenizer.fromPretrained(place)).rejects.toThrow(reason);
    }
    const folder = path('piped');
    fs.cpSync(goldenPath('plain'), folder, { recursive: true });
    fs.rmSync(`${folder}/model.safetensors`);
    execFileSync('mkfifo', [`${folder}/model.safetensors`]);
    await expect(LlamaForCausalLM.fromPretrained(folder)).rejects.toThrow(/not a regular file/);
  });

  test.each(['config.json', 'model.safetensors', 'generation_config.json'])('a Git LFS pointer in place of %s', async (name) => {
    const folder = path(`pointer-${name}`);
    fs.cpSync(goldenPath('plain'), folder, { recursive: true });
    fs.writeFileSync(`${folder}/${name}`, pointer);
    await expect(LlamaForCausalLM.fromPretrained(folder)).rejects.toThrow(/Git LFS pointer.*`git lfs pull`/);
  });

  test('a Git LFS pointer in place of a GGUF file or of a tokenizer', async () => {
    fs.writeFileSync(path('pointer.gguf'), pointer);
    await expect(LlamaForCausalLM.fromPretrained(path('pointer.gguf'))).rejects.toThrow(/Git LFS pointer/);
    await expect(Tokenizer.fromPretrained(folderOf('lfs', { 'tokenizer.json': pointer }))).rejects.toThrow(/Git LFS pointer/);
  });
});

describe('what means one model is read', () => {
  test("a folder with one GGUF file, and the hub's cache by its main branch", () => {
    expect(modelPlace(folderOf('one', { 'a.gguf': '', 'README.md': '' }))).toEqual({ path: path('one/a.gguf'), isFolder: false });
    const cache = folderOf('models--a--b', { 'refs/main': 'abc', 'snapshots/abc/config.json': '{}', 'snapshots/def/config.json': '{}' });
    expect(modelPlace(cache)).toEqual({ path: path('models--a--b/snapshots/abc'), isFolder: true });
  });
});
