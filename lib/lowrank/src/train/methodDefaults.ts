/** How each method is trained where nobody says otherwise. */

import type { PeftConfig, TrainingDefaults } from '../peft';
import { methodOf } from '../peft/methods';

/** The part of {@link AdamWOptions} and of the schedule that depends on the method. */
export type MethodDefaults = TrainingDefaults;

/**
 * The method's own defaults, as its folder says and explains them.
 *
 * @param examplesPerUpdate - batch size times gradient accumulation
 */
export function methodDefaults({ peftType }: Pick<PeftConfig, 'peftType'>, examplesPerUpdate: number): MethodDefaults {
  return methodOf(peftType).trainingDefaults(examplesPerUpdate);
}
