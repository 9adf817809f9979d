/** The table entry of LoRA. */
import type { PeftMethod } from '../method';
import { LORA_FIELDS, LoraConfig } from './config';
import { LORA_KEYS } from './loraKeys';
import { LoraTuner } from './loraTuner';

/** Low-rank adaptation (Hu et al. 2021). */
export const loraMethod = {
  name: 'LoRA',
  tag: 'lora',
  Config: LoraConfig,
  Tuner: LoraTuner,
  lacks: {},
  fields: LORA_FIELDS,
  otherKeys: LORA_KEYS,
  summary: ({ r, loraAlpha }) => ({ rank: r, alpha: loraAlpha }),
  /**
   * The learning rate is `3e-4 · 4096/C`: 3e-4 for LLaMA-7B, as in LLaMA-Reviewer (section IV.E), and 2.1e-3 for SmolLM2-135M, where the
   * sweep in `experiments/results` finds 2e-3 to 4e-3 best with 60 updates, and the higher of the two too high for long runs. Never above
   * 4e-3. The weight decay is the paper's, the betas are AdamW's usual ones.
   */
  trainingDefaults: ({ hiddenSize }) => ({
    learningRate: Math.min(4e-3, (3e-4 * 4096) / hiddenSize),
    weightDecay: 0.01,
    betas: [0.9, 0.999],
    warmupShare: 0.1,
  }),
  command: {
    name: 'lora',
    options: {
      rank: { value: 'N', help: 'rank of LoRA [16]' },
      alpha: { value: 'N', help: 'alpha of LoRA; the scale is alpha/rank [twice the rank]' },
      dropout: { value: 'P', help: 'dropout of LoRA [0.05]' },
    },
    configure(given, { baseModelNameOrPath }) {
      const r = given.whole('rank') ?? 16;
      const loraDropout = given.number('dropout', { least: 0, most: 0.99 }) ?? 0.05;
      const loraAlpha = given.number('alpha') ?? 2 * r;
      return new LoraConfig({ r, loraAlpha, loraDropout, targetModules: ['q_proj', 'v_proj'], baseModelNameOrPath });
    },
  },
} satisfies PeftMethod<LoraConfig, LoraTuner>;
