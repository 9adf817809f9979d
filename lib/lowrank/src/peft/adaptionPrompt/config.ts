/** The configuration of a zero-init prefix, in camelCase and with PEFT's defaults. */
import { toSnakeCase } from '../../nn';
import { ArgumentError } from '../../runtime';
import { AdapterConfig, type AdapterConfigOptions, type FieldsOf } from '../config/adapterConfig';
import { choice, requiredCount } from '../config/fields';

const GATE_KINDS = ['scalar', 'perHead', 'perHeadTanh'] as const;
/**
 * The gate of a zero-init prefix: one raw number per layer (Hugging Face), one raw number per head (lit-llama), or the tanh of one number
 * per head (the authors' code, OpenGVLab/LLaMA-Adapter).
 */
export type GateKind = (typeof GATE_KINDS)[number];

/** The fields of an {@link AdaptionPromptConfig}. */
export interface AdaptionPromptOptions extends AdapterConfigOptions {
  readonly adapterLen: number;
  readonly adapterLayers: number;
  readonly gate?: GateKind;
  readonly targetModules?: string;
}

/** Zero-init prefix attention (LLaMA-Adapter, Zhang et al. 2023), as PEFT's `AdaptionPromptConfig`. */
export class AdaptionPromptConfig extends AdapterConfig {
  declare readonly peftType: 'ADAPTION_PROMPT';
  /** Number `P` of prompt vectors per layer. */
  declare readonly adapterLen: number;
  /** Number of layers with prompts, counted from the top. */
  declare readonly adapterLayers: number;
  /** @defaultValue 'scalar', the only type in PEFT */
  declare readonly gate: GateKind;
  /** The last part of the attention modules' names. @defaultValue 'self_attn' */
  declare readonly targetModules: string;

  /** @throws ArgumentError when a count is not a whole number from 1 up. */
  constructor(options: AdaptionPromptOptions) {
    super('ADAPTION_PROMPT', options, PREFIX_FIELDS, { r: 'adapterLen', length: 'adapterLen', layers: 'adapterLayers' });
  }
}

export const PREFIX_FIELDS: FieldsOf<AdaptionPromptConfig> = {
  adapterLen: requiredCount,
  adapterLayers: requiredCount,
  /** PEFT knows one kind and no key for it; the shape of another gate makes it refuse the file instead of misreading it. */
  gate: { ...choice(GATE_KINDS), write: (gate) => (gate === 'scalar' ? undefined : gate) },
  targetModules: {
    fallback: 'self_attn',
    check(name, value) {
      if (typeof value !== 'string') throw new ArgumentError(`${name} of a prefix is one text, the end of the names`);
    },
    read: (fields, key) => fields.string(key),
    write: toSnakeCase,
  },
};
