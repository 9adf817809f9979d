/** How each method is trained where nobody says otherwise. */

import type { PeftConfig, TrainingDefaults } from '../peft';
import { methodOf } from '../peft/methods';

/** The part of {@link AdamWOptions} and of the schedule that depends on the method. */
export type MethodDefaults = TrainingDefaults;

/** Full fine-tuning: the rate that the sweep in `experiments/results` finds for SmolLM2-135M; the usual weight decay and betas of AdamW. */
export const fullFineTuningDefaults: MethodDefaults = { learningRate: 1e-4, weightDecay: 0.01, betas: [0.9, 0.999], warmupShare: 0.1 };

/**
 * The defaults of a method, as its folder states and explains them.
 *
 * @param examplesPerUpdate - batch size times gradient accumulation
 * @param hiddenSize - width C of the model; LoRA's rate falls with it. Default: LLaMA-7B's
 */
export function methodDefaults({ peftType }: Pick<PeftConfig, 'peftType'>, examplesPerUpdate: number, hiddenSize = 4096): MethodDefaults {
  return methodOf(peftType).trainingDefaults({ examplesPerUpdate, hiddenSize });
}
