/** How each method is trained where nobody says otherwise. */

import type { PeftConfig, TrainingDefaults } from '../peft';
import { methodOf } from '../peft/methods';

/** The part of {@link AdamWOptions} and of the schedule that depends on the method. */
export type MethodDefaults = TrainingDefaults;

/** Full fine-tuning: BERT's and LLaMA's usual weight decay and betas; for the rate, see `experiments/results`. */
const FULL: MethodDefaults = { learningRate: 1e-4, weightDecay: 0.01, betas: [0.9, 0.999], warmupShare: 0.1 };

/**
 * The defaults of a method, as its folder states and explains them; without a method, those of full fine-tuning.
 *
 * @param examplesPerUpdate - batch size times gradient accumulation
 */
export function methodDefaults({ peftType }: Partial<Pick<PeftConfig, 'peftType'>>, examplesPerUpdate: number): MethodDefaults {
  return peftType === undefined ? FULL : methodOf(peftType).trainingDefaults(examplesPerUpdate);
}
