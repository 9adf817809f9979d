/** The configuration of a zero-init prefix, in camelCase and with PEFT's defaults. */
import { ArgumentError } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkOneOf } from '../../runtime/checks/checkValues';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { AdapterConfig, type AdapterConfigOptions } from '../config/adapterConfig';

export const GATE_KINDS = ['scalar', 'perHead', 'perHeadTanh'] as const;
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
  readonly peftType = 'ADAPTION_PROMPT';
  /** Number `P` of prompt vectors per layer. */
  readonly adapterLen: number;
  /** Number of layers with prompts, counted from the top. */
  readonly adapterLayers: number;
  /** @defaultValue 'scalar', the only type in PEFT */
  readonly gate: GateKind;
  /** The last part of the attention modules' names. @defaultValue 'self_attn' */
  readonly targetModules: string;

  /** @throws ArgumentError when a count is not a whole number from 1 up. */
  constructor(options: AdaptionPromptOptions) {
    super(options);
    this.adapterLen = options.adapterLen;
    this.adapterLayers = options.adapterLayers;
    this.gate = options.gate ?? 'scalar';
    this.targetModules = options.targetModules ?? 'self_attn';
    checkKnown('AdaptionPromptConfig', options, Object.keys(this), { r: 'adapterLen', length: 'adapterLen', layers: 'adapterLayers' });
    checkOneOf('gate', this.gate, GATE_KINDS);
    if (typeof this.targetModules !== 'string') throw new ArgumentError('targetModules of a prefix is one text, the end of the names');
    checkWhole('adapterLen', this.adapterLen);
    checkWhole('adapterLayers', this.adapterLayers);
  }
}
