/**
 * Adapters that this library wrote and PEFT has read: tests/golden/peft/ours.
 *
 * To make them anew: WRITE_OURS=1 vitest run tests/peft/readByPeft.test.ts, then tests/golden/scripts/adapters/makePeft.py.
 */
import fs from 'node:fs';
import nodePath from 'node:path';
import { AdaptionPromptConfig, getPeftModel, LoraConfig, type PeftConfig, type PeftModel } from 'lowrank';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { fill, golden, goldenPath, IDS, relativeError, tinyModel } from './tinyModel';

const temporary = temporaryFolder();

const adapted = (config: PeftConfig, options = {}): PeftModel => {
  const peft = getPeftModel(tinyModel(options), config);
  fill(peft.trainableParameters().values());
  return peft;
};

const OURS: [string, () => PeftModel][] = [
  [
    'allLinear',
    () => {
      const rankPattern = { '.*layers\\.1\\..*': 1, down_proj: 3 };
      return adapted(new LoraConfig({ r: 2, loraAlpha: 1, targetModules: 'all-linear', rankPattern, alphaPattern: { q_proj: 2 } }));
    },
  ],
  [
    'rslora',
    () =>
      adapted(new LoraConfig({ r: 4, useRslora: true, targetModules: '.*\\.(k|o)_proj', excludeModules: ['layers.1.self_attn.o_proj'] })),
  ],
  ['dora', () => adapted(new LoraConfig({ r: 2, useDora: true, layersToTransform: [0, 2], initLoraWeights: 'gaussian' }))],
  ['pissa', () => getPeftModel(tinyModel(), new LoraConfig({ r: 3, initLoraWeights: 'pissa' }))],
  ['olora', () => getPeftModel(tinyModel(), new LoraConfig({ r: 3, initLoraWeights: 'olora' }))],
  ['head', () => adapted(new LoraConfig({ r: 2, targetModules: ['embedTokens', 'lmHead', 'vProj'] }))],
  ['saved', () => adapted(new LoraConfig({ r: 2, modulesToSave: ['lm_head', 'norm'] }))],
  ['tied', () => adapted(new LoraConfig({ r: 2, targetModules: ['lm_head', 'q_proj'] }), { tieWordEmbeddings: true })],
  ['biasAll', () => adapted(new LoraConfig({ r: 2, bias: 'all' }), { attentionBias: true })],
  ['biasLora', () => adapted(new LoraConfig({ r: 2, bias: 'lora_only' }), { attentionBias: true })],
  ['prompt', () => adapted(new AdaptionPromptConfig({ adapterLen: 4, adapterLayers: 2 }))],
  [
    'combined',
    () => {
      const peft = adapted(new LoraConfig({ r: 2 }));
      peft.addAdapter('other', new LoraConfig({ r: 3, targetModules: ['up_proj', 'q_proj'], initLoraWeights: false }));
      peft.addWeightedAdapter({ adapters: ['default', 'other'], weights: [1.5, -1], adapterName: 'mix', combinationType: 'cat' });
      peft.deleteAdapter('default');
      peft.deleteAdapter('other');
      peft.setAdapter('mix');
      return peft;
    },
  ],
];

test.each(OURS)("PEFT reads our '%s' and computes what we do", (name, make) => {
  const peft = make();
  if (process.env.WRITE_OURS) {
    fs.rmSync(goldenPath(`ours/${name}`), { recursive: true, force: true });
    peft.savePretrained(goldenPath(`ours/${name}`));
  }
  expect(relativeError(peft.forward(IDS), golden(`ours/${name}/logits`))).toBeLessThan(1e-5);
  const folder = temporary(name);
  peft.savePretrained(folder);
  const files = fs
    .readdirSync(goldenPath(`ours/${name}`), { recursive: true })
    .map(String)
    .sort();
  expect(fs.readdirSync(folder, { recursive: true }).map(String).sort()).toEqual(files);
  for (const file of files.filter((path) => path.endsWith('.json'))) {
    expect(fs.readFileSync(nodePath.join(folder, file), 'utf8')).toBe(fs.readFileSync(goldenPath(`ours/${name}/${file}`), 'utf8'));
  }
});
