/** Model files with random damage: they load or are refused with a typed error, and cost next to no memory. */
import fs from 'node:fs';
import { LlamaForCausalLM, LowrankError, tf } from 'lowrank';
import { afterAll, expect, test } from 'vitest';
import { seededRandom } from '../../../lib/lowrank/src/runtime';
import { temporaryFolder } from '../../io/temporaryFolder';
import { goldenPath } from '../golden';

const path = temporaryFolder();

/** Loads, and tells whether it was refused; any error but the library's own fails the test. */
async function isRefused(file: string): Promise<boolean> {
  try {
    (await LlamaForCausalLM.fromPretrained(file)).dispose();
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(LowrankError);
    expect((error as Error).message).toContain(file);
    expect((error as Error).message.length).toBeLessThan(2500);
    return true;
  }
}

/** Damages a copy of the bytes in one to three places. */
function damaged(original: Uint8Array, pick: (below: number) => number, within: number): Uint8Array {
  let bytes = Buffer.from(original);
  for (let change = 0; change <= pick(3); change++) {
    const at = pick(Math.min(within, bytes.length));
    const kind = pick(5);
    if (kind === 0) bytes[at] = pick(256);
    else if (kind === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8));
    else if (kind === 2) bytes.fill(pick(2) * 255, at, at + 1 + pick(8));
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from('"{}[],:0-9e'[pick(11)] ?? ''), bytes.subarray(at)]);
    else if (pick(4) === 0) bytes = bytes.subarray(0, at);
  }
  return bytes;
}

const tensorsBefore = tf.memory().numTensors;
const memoryBefore = process.memoryUsage().rss;
afterAll(() => {
  expect(tf.memory().numTensors).toBe(tensorsBefore);
  const peak = process.resourceUsage().maxRSS * 1024; // a size that a header only claims would show here
  expect(peak - memoryBefore).toBeLessThan(400 * 2 ** 20);
});

test('three hundred damaged GGUF headers', async () => {
  const random = seededRandom(31);
  const original = fs.readFileSync(goldenPath('llama3.gguf'));
  let refused = 0;
  for (let round = 0; round < 300; round++) {
    fs.writeFileSync(
      path('damaged.gguf'),
      damaged(original, (below) => Math.floor(random() * below), 2200),
    );
    if (await isRefused(path('damaged.gguf'))) refused++;
  }
  expect(refused).toBeGreaterThan(200);
  expect(refused).toBeLessThan(300);
});

test.each([
  ['config.json', 0.2],
  ['generation_config.json', 0.3],
  ['model.safetensors.index.json', 0.6],
  ['model-00001-of-00003.safetensors', 0.2],
])('a hundred folders with a damaged %s', async (name, share) => {
  const random = seededRandom(37);
  const folder = path(`folder ${name}`);
  fs.cpSync(goldenPath('llama3'), folder, { recursive: true });
  const original = fs.readFileSync(`${folder}/${name}`);
  let refused = 0;
  for (let round = 0; round < 100; round++) {
    fs.writeFileSync(
      `${folder}/${name}`,
      damaged(original, (below) => Math.floor(random() * below), 1200),
    );
    if (await isRefused(folder)) refused++;
  }
  expect(refused).toBeGreaterThan(100 * share);
});

test('a field of a configuration of any type and size', async () => {
  const folder = path('fields');
  fs.cpSync(goldenPath('plain'), folder, { recursive: true });
  const config = JSON.parse(fs.readFileSync(`${folder}/config.json`, 'utf8'));
  const values = [
    '0',
    '-1',
    '1e9',
    '1e308',
    '1e999',
    '0.5',
    '9007199254740993',
    '"16"',
    '[]',
    '{}',
    'true',
    'null',
    '"__proto__"',
    '[1,[2]]',
  ];
  let refused = 0;
  let rounds = 0;
  for (const field of Object.keys(config)) {
    for (const value of values) {
      const text = JSON.stringify({ ...config, [field]: '@' }).replace('"@"', value);
      fs.writeFileSync(`${folder}/config.json`, text);
      if (await isRefused(folder)) refused++;
      rounds++;
    }
  }
  expect(refused).toBeGreaterThan(rounds / 3);
});

test('names that are special in JavaScript leave every object as it was', async () => {
  const folder = path('names');
  fs.cpSync(goldenPath('llama3'), folder, { recursive: true });
  const config = fs.readFileSync(`${folder}/config.json`, 'utf8');
  const index = fs.readFileSync(`${folder}/model.safetensors.index.json`, 'utf8');
  for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
    const planted = `{"${name}": {"polluted": true, "hidden_size": 1}, `;
    fs.writeFileSync(`${folder}/config.json`, config.replace('{', planted));
    expect(await isRefused(folder)).toBe(false);
    fs.writeFileSync(`${folder}/config.json`, config.replace('"rope_parameters": {', `"rope_parameters": ${planted}`));
    expect(await isRefused(folder)).toBe(false);
    fs.writeFileSync(`${folder}/config.json`, config);
    fs.writeFileSync(
      `${folder}/model.safetensors.index.json`,
      index.replace('"weight_map": {', `"weight_map": {"${name}": "model-00001-of-00003.safetensors", `),
    );
    expect(await isRefused(folder)).toBe(true);
    fs.writeFileSync(`${folder}/model.safetensors.index.json`, index);
  }
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
  expect(Reflect.get([], 'polluted')).toBeUndefined();
});

test('deep or large documents are refused before they cost anything', async () => {
  const folder = path('large');
  fs.cpSync(goldenPath('plain'), folder, { recursive: true });
  fs.writeFileSync(`${folder}/config.json`, '['.repeat(100_000));
  expect(await isRefused(folder)).toBe(true);
  fs.writeFileSync(`${folder}/config.json`, `{"a": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`);
  expect(await isRefused(folder)).toBe(true);
  fs.writeFileSync(`${folder}/config.json`, ' '.repeat(1_000_001));
  await expect(LlamaForCausalLM.fromPretrained(folder)).rejects.toThrow('1000001 bytes of JSON exceed the limit of 1000000');
});
