/** How each method is trained where nobody says otherwise. */
import type { PeftConfig } from '../peft';

/** The part of {@link AdamWOptions} and of the schedule that depends on the method. */
export interface MethodDefaults {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly betas: readonly [number, number];
  /** Share of the updates over which the learning rate climbs. */
  readonly warmupShare: number;
}

/**
 * LoRA: learning rate 3e-4 and weight decay 0.01, as LLaMA-Reviewer's source document gives them, AdamW's usual betas.
 *
 * Zero-init prefix: `9e-3 · b/256` with b the examples per update, weight decay 0.02, betas (0.9, 0.95) and two warm-up epochs of
 * five, as OpenGVLab's LLaMA-Adapter script has them. (lit-llama takes 9e-3 as it is, with 64 examples per update.) The rule is made for
 * long runs of large batches: in a short run with few examples per update its rates hardly move the gates, so set a higher one there.
 *
 * @param examplesPerUpdate - batch size times gradient accumulation
 */
export function methodDefaults({ peftType }: Pick<PeftConfig, 'peftType'>, examplesPerUpdate: number): MethodDefaults {
  if (peftType === 'LORA') return { learningRate: 3e-4, weightDecay: 0.01, betas: [0.9, 0.999], warmupShare: 0.1 };
  return { learningRate: (9e-3 * examplesPerUpdate) / 256, weightDecay: 0.02, betas: [0.9, 0.95], warmupShare: 0.4 };
}
