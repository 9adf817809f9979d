/**
 * Adapters of IA3 and VeRA that this library wrote and PEFT has read: tests/golden/methods/ours.
 *
 * To make them anew: WRITE_OURS=1 vitest run tests/peft/methodFiles.test.ts, then tests/golden/scripts/adapters/makeMethods.py.
 */
import fs from 'node:fs';
import { getPeftModel, IA3Config, type PeftConfig, VeraConfig } from 'lowrank';
import { expect, test } from 'vitest';
import { methodGolden, methodPath } from './methodGoldens';
import { fill, IDS, relativeError, tinyModel } from './tinyModel';

const OURS: [string, PeftConfig][] = [
  ['ia3', new IA3Config()],
  ['ia3Regex', new IA3Config({ targetModules: '.*\\.(q|down)_proj', feedforwardModules: '.*down_proj', modulesToSave: ['norm'] })],
  [
    'ia3Bias',
    new IA3Config({ targetModules: ['qProj', 'oProj'], feedforwardModules: ['oProj'], excludeModules: ['layers.1.self_attn.q_proj'] }),
  ],
  ['vera', new VeraConfig({ r: 5, targetModules: 'all-linear', projectionPrngKey: 12 })],
  ['veraKey', new VeraConfig({ r: 3, saveProjection: false, projectionPrngKey: 4_000_000_000, layersToTransform: [1, 2] })],
  ['veraBias', new VeraConfig({ r: 3, bias: 'vera_only', targetModules: ['k_proj'], modulesToSave: ['lm_head'] })],
];

test.each(OURS)("PEFT reads our '%s' and computes what we do", (name, config) => {
  const peft = getPeftModel(tinyModel({ attentionBias: name.includes('Bias') }), config);
  fill(peft.trainableParameters().values());
  if (process.env.WRITE_OURS) {
    fs.rmSync(methodPath(`ours/${name}`), { recursive: true, force: true });
    peft.savePretrained(methodPath(`ours/${name}`));
    fs.rmSync(methodPath(`ours/${name}/README.md`));
    return;
  }
  expect(relativeError(peft.forward(IDS), methodGolden(`ours/${name}/logits`))).toBeLessThan(1e-5);
});
