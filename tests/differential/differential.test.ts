import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { noTensorLeft } from '../noTensorLeft';
import { compareCase } from './compare.ts';

const cases = fileURLToPath(new URL('cases/', import.meta.url));
const written = temporaryFolder();
noTensorLeft();

describe('a random model and adapter that transformers and PEFT computed with', () => {
  test.each(readdirSync(cases))('case %s is the same here', async (seed) => {
    for (const { what, error, limit } of await compareCase(join(cases, seed), written(seed))) {
      expect(error, what).toBeLessThanOrEqual(limit);
    }
  });

  test('a wrong alpha shows in logits, gradients and training', async () => {
    const folder = written('wrong');
    cpSync(join(cases, '15'), folder, { recursive: true });
    const config = join(folder, 'adapter/adapter_config.json');
    const { lora_alpha: alpha, ...rest } = JSON.parse(readFileSync(config, 'utf8'));
    writeFileSync(config, JSON.stringify({ ...rest, lora_alpha: alpha + 1 }));
    const wrong = (await compareCase(folder, folder)).filter(({ error, limit }) => error > limit).map(({ what }) => what);
    expect(wrong).toEqual(expect.arrayContaining(['adapter logits', 'loss', 'gradients', 'losses of training', 'merged logits']));
  });
});

test('the cases cover a prefix, DoRA, trained biases, tied ends, scaled rotary positions and Qwen2', () => {
  const files = readdirSync(cases).flatMap((seed) =>
    ['adapter/adapter_config.json', 'base/config.json'].map((file) => join(cases, seed, file)),
  );
  const text = files.map((file) => readFileSync(file, 'utf8')).join();
  for (const part of [
    '"ADAPTION_PROMPT"',
    '"use_dora": true',
    '"bias": "lora_only"',
    '"tie_word_embeddings": true',
    '"llama3"',
    '"qwen2"',
  ]) {
    expect(text).toContain(part);
  }
});
