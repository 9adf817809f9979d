/** LoRA's keys of `adapter_config.json`. */
import { toSnakeCase } from '../../nn';
import { UnsupportedError } from '../../runtime';
import { CONFIG_FILE, type ConfigFields } from '../files/configFields';
import {
  boolean,
  choice,
  FAN_IN_FAN_OUT,
  type FieldsWithoutEffect,
  fileFields,
  layers,
  nameList,
  number,
  numberByName,
  optionalNames,
  requiredNames,
} from '../files/fileFields';
import { LORA_BIASES, LORA_INITIALISATIONS, LoraConfig, type LoraInitialisation } from './config';

/** Keys for the start of an adapter, which is over when it is read, and for the place of tensors in PEFT. */
const IGNORED = { eva_config: null, layers_pattern: null, megatron_core: 'megatron.core', runtime_config: undefined };
/** Keys without effect in PEFT either, each with the reason; a warning names one that is not at its default. */
const WITHOUT_EFFECT: FieldsWithoutEffect = {
  corda_config: [null, 'it is read only where init_lora_weights is "corda"'],
  fan_in_fan_out: FAN_IN_FAN_OUT,
  loftq_config: [{}, 'it is read only where init_lora_weights is "loftq"'],
  lora_ga_config: [null, 'it is read only where init_lora_weights is "lora_ga"'],
  qalora_group_size: [16, 'it is read only where use_qalora is true'],
};
/** Variants of LoRA with another computation, and the value that PEFT writes when they are off. */
const UNSUPPORTED = {
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
};
/** Those of them that PEFT 0.21 computes with, or fails on, when they are an empty object. */
const SET_WHEN_EMPTY = ['arrow_config', 'kasa_config', 'use_bdlora'];
/** Starts that do not change the base: a loaded adapter is a plain LoRA. */
const PLAIN_STARTS = ['eva', 'orthogonal'];

export const loraFields = fileFields(
  LoraConfig,
  {
    r: number,
    loraAlpha: number,
    loraDropout: number,
    excludeModules: optionalNames,
    layersToTransform: layers,
    rankPattern: numberByName,
    alphaPattern: numberByName, // in the given order: the first pattern that matches counts
    useRslora: boolean,
    useDora: boolean,
    ensureWeightTying: boolean,
    trainableTokenIndices: { read: (fields, key) => fields.numberLists(key), write: writtenTokens },
    modulesToSave: nameList,
    targetModules: requiredNames,
    initLoraWeights: { read: readStart },
    bias: choice(LORA_BIASES),
  },
  { ignored: IGNORED, withoutEffect: WITHOUT_EFFECT, unsupported: UNSUPPORTED, setWhenEmpty: SET_WHEN_EMPTY },
);

function readStart(fields: ConfigFields): LoraInitialisation {
  const text = fields.text('init_lora_weights').toLowerCase();
  const start = LORA_INITIALISATIONS.find((known) => JSON.stringify(known) === text);
  if (start !== undefined) return start;
  if (text === 'null' || PLAIN_STARTS.some((plain) => JSON.stringify(plain) === text)) return true;
  throw new UnsupportedError(
    `${CONFIG_FILE} has "init_lora_weights": ${text}; supported are ${LORA_INITIALISATIONS.join(', ')}; save it with PEFT as a plain LoRA, where PEFT can (path_initial_model_for_weight_conversion)`,
  );
}

/** A list unchanged; layer names in Hugging Face's spelling. */
function writtenTokens(given: LoraConfig['trainableTokenIndices']): unknown {
  if (given === undefined) return null;
  if (Array.isArray(given)) return given;
  return Object.fromEntries(Object.entries(given).map(([name, indices]) => [toSnakeCase(name), indices]));
}
