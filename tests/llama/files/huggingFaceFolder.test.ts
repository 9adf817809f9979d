import fs from 'node:fs';
import { FormatError, LlamaForCausalLM, Tokenizer, tf, UnsupportedError } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { GGUF, ggufFile, string } from '../../io/ggufFile';
import { temporaryFolder } from '../../io/temporaryFolder';
import { golden, goldenPath, relativeError, rows } from '../golden';

const path = temporaryFolder();
const INDEX = 'model.safetensors.index.json';

/** The plain model in shards and an index. */
async function shards(name: string): Promise<{ folder: string; names: string[] }> {
  const model = await LlamaForCausalLM.fromPretrained(goldenPath('plain'));
  model.savePretrained(path(name), { maxShardSize: 6000 });
  model.dispose();
  const names = fs.readdirSync(path(name)).filter((file) => file.endsWith('.safetensors'));
  expect(names.length).toBeGreaterThan(2);
  return { folder: path(name), names };
}

describe('a model in shards', () => {
  test('is read without its index where all shards are there', async () => {
    const { folder } = await shards('bare');
    fs.rmSync(`${folder}/${INDEX}`);
    const model = await LlamaForCausalLM.fromPretrained(folder);
    expect(tf.tidy(() => relativeError(model.forward(rows.ids), golden('plain.logits')))).toBeLessThan(1e-5);
    model.dispose();
  });

  test.each(['with', 'without'])('of which some are missing is refused by their names, %s an index', async (kind) => {
    const { folder, names } = await shards(`missing ${kind}`);
    if (kind === 'without') fs.rmSync(`${folder}/${INDEX}`);
    for (const name of names.slice(1, 3)) fs.rmSync(`${folder}/${name}`);
    const load = LlamaForCausalLM.fromPretrained(folder);
    await expect(load).rejects.toThrow(FormatError);
    await expect(load).rejects.toThrow(
      `lacks 2 of ${names.length} files of weights: ${names[1]}, ${names[2]} (ENOENT). Was a download cut short?`,
    );
  });

  test('of two models, or with one tensor twice, is refused', async () => {
    const { folder, names } = await shards('mixed');
    fs.rmSync(`${folder}/${INDEX}`);
    fs.copyFileSync(`${folder}/${names[0]}`, `${folder}/model-00001-of-99999.safetensors`);
    await expect(LlamaForCausalLM.fromPretrained(folder)).rejects.toThrow(/has shards of two models: .*-of-99999/);
    fs.rmSync(`${folder}/model-00001-of-99999.safetensors`);
    fs.copyFileSync(`${folder}/${names[0]}`, `${folder}/${names[1]}`);
    await expect(LlamaForCausalLM.fromPretrained(folder)).rejects.toThrow(/both have a tensor "model\.embed_tokens\.weight"/);
  });
});

test('part of a split GGUF model is told by its metadata, whatever its name', async () => {
  const uint16 = (value: number) => Buffer.from(Uint16Array.of(value).buffer);
  const fields = [
    ['general.architecture', GGUF.string, string('llama')],
    ['split.no', 2, uint16(1)],
    ['split.count', 2, uint16(3)],
  ] as const;
  fs.writeFileSync(path('renamed.gguf'), ggufFile({ fields }));
  for (const load of [LlamaForCausalLM.fromPretrained(path('renamed.gguf')), Tokenizer.fromPretrained(path('renamed.gguf'))]) {
    await expect(load).rejects.toRefuse(UnsupportedError, /renamed\.gguf is part 2 of a GGUF model in 3 files; join the parts/);
  }
});
