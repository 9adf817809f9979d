/** The table entry of VeRA. */
import { FAN_IN_FAN_OUT } from '../files/otherKeys';
import type { PeftMethod } from '../method';
import { VERA_FIELDS, VeraConfig } from './config';
import { VeraTuner } from './veraTuner';

/** Vector-based random matrix adaptation (Kopiczko et al. 2023, arXiv 2310.11454). */
export const veraMethod = {
  name: 'VeRA',
  tag: 'vera',
  Config: VeraConfig,
  Tuner: VeraTuner,
  lacks: {
    combining: 'the vectors of each belong to its own random projections',
    swapping: 'PEFT swaps LoRA adapters alone; loadAdapter and setAdapter change to another one',
  },
  fields: VERA_FIELDS,
  otherKeys: { ignored: { layers_pattern: null }, withoutEffect: { fan_in_fan_out: FAN_IN_FAN_OUT } },
  summary: ({ r, projectionPrngKey, saveProjection }) => ({
    rank: r,
    projections: saveProjection ? 'in the file' : `drawn from the key ${projectionPrngKey}`,
  }),
  /** The vectors are few and start near 0, so the rate is ten times LoRA's. */
  trainingDefaults: () => ({ learningRate: 3e-3, weightDecay: 0, betas: [0.9, 0.999], warmupShare: 0.1 }),
  command: {
    name: 'vera',
    options: {
      rank: { value: 'N', help: 'rank of VeRA [256]' },
      dropout: { value: 'P', help: 'dropout of VeRA [0]' },
    },
    configure(given, { baseModelNameOrPath }) {
      const veraDropout = given.number('dropout', { least: 0, most: 0.99 }) ?? 0;
      return new VeraConfig({ r: given.whole('rank') ?? 256, veraDropout, baseModelNameOrPath });
    },
  },
} satisfies PeftMethod<VeraConfig, VeraTuner>;
