/** The table entry of IA3. */
import { FAN_IN_FAN_OUT } from '../files/otherKeys';
import type { PeftMethod } from '../method';
import { IA3_FIELDS, IA3Config } from './config';
import { IA3Tuner } from './ia3Tuner';

/** Infused adapters that inhibit and amplify inner activations (Liu et al. 2022, arXiv 2205.05638). */
export const ia3Method = {
  name: 'IA3',
  tag: 'ia3',
  Config: IA3Config,
  Tuner: IA3Tuner,
  lacks: { swapping: 'PEFT swaps LoRA adapters alone; loadAdapter and setAdapter change to another one' },
  fields: IA3_FIELDS,
  otherKeys: { withoutEffect: { fan_in_fan_out: FAN_IN_FAN_OUT } },
  summary: ({ targetModules, feedforwardModules }) => ({
    targets: [targetModules].flat().join(', '),
    feedforward: [feedforwardModules].flat().join(', '),
  }),
  /** The factors start at 1: a decay towards 0 would undo the base. */
  trainingDefaults: () => ({ learningRate: 3e-3, weightDecay: 0, betas: [0.9, 0.999], warmupShare: 0.06 }),
  command: {
    name: 'ia3',
    options: {},
    configure: (_given, { baseModelNameOrPath }) => new IA3Config({ baseModelNameOrPath }),
  },
} satisfies PeftMethod<IA3Config, IA3Tuner>;
