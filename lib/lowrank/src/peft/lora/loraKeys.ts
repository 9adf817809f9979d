/** LoRA's keys of `adapter_config.json` that are no fields of its configuration. */
import { FAN_IN_FAN_OUT, type OtherKeys } from '../files/otherKeys';

export const LORA_KEYS: OtherKeys = {
  /** For the start of an adapter, which is over when it is read, and for the place of tensors in PEFT. */
  ignored: { eva_config: null, layers_pattern: null, megatron_core: 'megatron.core', runtime_config: undefined },
  withoutEffect: {
    corda_config: [null, 'it is read only where init_lora_weights is "corda"'],
    fan_in_fan_out: FAN_IN_FAN_OUT,
    loftq_config: [{}, 'it is read only where init_lora_weights is "loftq"'],
    lora_ga_config: [null, 'it is read only where init_lora_weights is "lora_ga"'],
    qalora_group_size: [16, 'it is read only where use_qalora is true'],
  },
  unsupported: {
    alora_invocation_tokens: null,
    arrow_config: null,
    kasa_config: null,
    layer_replication: null,
    lora_bias: false,
    megatron_config: null,
    monteclora_config: null,
    target_parameters: null,
    use_bdlora: null,
    use_qalora: false,
    velora_config: null,
  },
  /** PEFT 0.21 computes with these, or fails on them, when they are an empty object. */
  setWhenEmpty: ['arrow_config', 'kasa_config', 'use_bdlora'],
};
