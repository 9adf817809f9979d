/** Adapters that earlier versions saved load in this one, and compute what they computed then. */
import fs from 'node:fs';
import { PeftModel } from 'lowrank';
import { expect, test } from 'vitest';
import { IDS, tinyModel } from '../tinyModel';

const folders = fs.globSync('tests/golden/saved-*/*/adapter_config.json').map((path) => path.replace('/adapter_config.json', ''));

test.each(folders)('%s', async (folder) => {
  const peft = await PeftModel.fromPretrained(tinyModel(), folder);
  const expected: number[] = JSON.parse(fs.readFileSync(`${folder}/logits.json`, 'utf8'));
  const logits = [...peft.forward(IDS).dataSync()];
  peft.dispose();
  expect(logits.length).toBe(expected.length);
  // Processors round products differently: up to 1.2e-5 was seen.
  expect(Math.max(...logits.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN))))).toBeLessThan(5e-5);
});

test('there are adapters of 0.1.0', () => {
  expect(folders.filter((path) => path.includes('saved-0.1.0'))).toHaveLength(3);
});
