/** The default training settings of each method. */
import type { PeftConfig, TrainingDefaults } from '../peft';
import { methodOf } from '../peft/methods';
import { checkKnown } from '../runtime/checks/checkKnown';

/** The part of {@link AdamWOptions} and of the schedule that depends on the method. */
export type MethodDefaults = TrainingDefaults;

/** Full fine-tuning: the rate that the sweep in `experiments/results` finds for SmolLM2-135M; the usual weight decay and betas of AdamW. */
export const fullFineTuningDefaults: MethodDefaults = { learningRate: 1e-4, weightDecay: 0.01, betas: [0.9, 0.999], warmupShare: 0.1 };

/**
 * The default settings of a method; the method's folder defines and explains them.
 *
 * @param run - `hiddenSize`: the model's width C, by default LLaMA-7B's 4096; LoRA's learning rate falls with it
 */
export function methodDefaults(config: Pick<PeftConfig, 'peftType'>, run: { readonly hiddenSize?: number } = {}): MethodDefaults {
  checkKnown('methodDefaults', run, ['hiddenSize']);
  const { hiddenSize = 4096 } = run;
  return methodOf(config.peftType).trainingDefaults({ hiddenSize });
}
