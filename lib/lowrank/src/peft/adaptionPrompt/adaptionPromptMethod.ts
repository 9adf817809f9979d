/** The table entry of zero-init prefix attention. */
import type { PeftMethod } from '../method';
import { AdaptionPromptTuner } from './adaptionPromptTuner';
import { AdaptionPromptConfig, PREFIX_FIELDS } from './config';

/** Zero-init prefix attention (LLaMA-Adapter, Zhang et al. 2023). */
export const adaptionPromptMethod = {
  name: 'zero-init prefix',
  tag: 'adaption-prompt',
  Config: AdaptionPromptConfig,
  Tuner: AdaptionPromptTuner,
  lacks: {
    merging: 'a prefix is no change of any weight',
    combining: 'PEFT has no rule for adding prompts and gates up',
    mixing: 'one prefix acts in a layer at a time',
  },
  fields: PREFIX_FIELDS,
  otherKeys: {},
  summary: ({ adapterLen, adapterLayers }) => ({ prefixLength: adapterLen, layers: adapterLayers }),
  /**
   * 9e-3 and a weight decay of 0.02, as in LLaMA-Reviewer (section IV.E) for LLaMA-7B. The sweep in `experiments/results` finds 1e-2 to 3e-2 best for
   * SmolLM2-135M. Betas (0.9, 0.95) and two warm-up epochs of five are those of OpenGVLab's LLaMA-Adapter script.
   */
  trainingDefaults: () => ({ learningRate: 9e-3, weightDecay: 0.02, betas: [0.9, 0.95], warmupShare: 0.4 }),
  command: {
    name: 'prefix',
    options: {
      'prefix-length': { value: 'N', help: 'vectors of a prefix [10]' },
      layers: { value: 'N', help: 'layers with a prefix, from the top [all but two]' },
    },
    configure(given, { layers, baseModelNameOrPath }) {
      const adapterLayers = given.whole('layers') ?? Math.max(1, layers - 2);
      return new AdaptionPromptConfig({ adapterLen: given.whole('prefix-length') ?? 10, adapterLayers, baseModelNameOrPath });
    },
  },
} satisfies PeftMethod<AdaptionPromptConfig, AdaptionPromptTuner>;
