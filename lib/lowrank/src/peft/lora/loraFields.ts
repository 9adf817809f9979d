/** LoRA's keys of `adapter_config.json`. */
import { toSnakeCase } from '../../nn';
import { UnsupportedError } from '../../runtime';
import type { AdapterConfigOptions } from '../config/adapterConfig';
import { CONFIG_FILE, type ConfigFields } from '../files/configFields';
import {
  defaultFields,
  FAN_IN_FAN_OUT,
  type FieldsWithoutEffect,
  fileNames,
  given,
  nullIfEmpty,
  readLayers,
  readModulesToSave,
  readTargets,
  refuseFields,
  warnOfFields,
} from '../files/knownFields';
import type { ConfigFileFields } from '../method';
import { LORA_BIASES, LORA_INITIALISATIONS, LoraConfig, type LoraInitialisation } from './config';

/** Keys for the start of an adapter, which is over when it is read, and for the place of tensors in PEFT. */
const IGNORED = ['eva_config', 'megatron_core', 'runtime_config'];
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

export const loraFields: ConfigFileFields<LoraConfig> = { read, write };

function read(fields: ConfigFields, common: Required<AdapterConfigOptions>): LoraConfig {
  fields.ignore(IGNORED);
  refuseFields(fields, Object.keys(UNSUPPORTED), SET_WHEN_EMPTY);
  warnOfFields(fields, WITHOUT_EFFECT);
  return new LoraConfig({
    ...given({
      r: fields.number('r'),
      loraAlpha: fields.number('lora_alpha'),
      loraDropout: fields.number('lora_dropout'),
      excludeModules: fields.names('exclude_modules'),
      layersToTransform: readLayers(fields),
      rankPattern: fields.numberByName('rank_pattern'),
      alphaPattern: fields.numberByName('alpha_pattern'),
      useRslora: fields.boolean('use_rslora'),
      useDora: fields.boolean('use_dora'),
      ensureWeightTying: fields.boolean('ensure_weight_tying'),
      trainableTokenIndices: fields.numberLists('trainable_token_indices'),
      modulesToSave: readModulesToSave(fields),
    }),
    targetModules: readTargets(fields),
    initLoraWeights: readStart(fields),
    bias: fields.choice('bias', LORA_BIASES),
    ...common,
  });
}

function readStart(fields: ConfigFields): LoraInitialisation {
  const text = fields.text('init_lora_weights').toLowerCase();
  const start = LORA_INITIALISATIONS.find((known) => JSON.stringify(known) === text);
  if (start !== undefined) return start;
  if (text === 'null' || PLAIN_STARTS.some((plain) => JSON.stringify(plain) === text)) return true;
  throw new UnsupportedError(
    `${CONFIG_FILE} has "init_lora_weights": ${text}; supported are ${LORA_INITIALISATIONS.join(', ')}; save it with PEFT as a plain LoRA, where PEFT can (path_initial_model_for_weight_conversion)`,
  );
}

function write(config: LoraConfig): Record<string, unknown> {
  return {
    ...UNSUPPORTED,
    alpha_pattern: config.alphaPattern, // in the given order: the first pattern that matches counts
    bias: config.bias,
    ...defaultFields(WITHOUT_EFFECT),
    ensure_weight_tying: config.ensureWeightTying,
    eva_config: null,
    exclude_modules: nullIfEmpty(fileNames(config.excludeModules)),
    init_lora_weights: config.initLoraWeights,
    layers_pattern: null,
    layers_to_transform: config.layersToTransform ?? null,
    lora_alpha: config.loraAlpha,
    lora_dropout: config.loraDropout,
    megatron_core: 'megatron.core',
    modules_to_save: nullIfEmpty(fileNames(config.modulesToSave)),
    r: config.r,
    rank_pattern: config.rankPattern,
    target_modules: fileNames(config.targetModules),
    trainable_token_indices: tokenFields(config.trainableTokenIndices),
    use_dora: config.useDora,
    use_rslora: config.useRslora,
  };
}

/** A list unchanged; layer names in Hugging Face's spelling. */
function tokenFields(given: LoraConfig['trainableTokenIndices']): unknown {
  if (given === undefined) return null;
  if (Array.isArray(given)) return given;
  return Object.fromEntries(Object.entries(given).map(([name, indices]) => [toSnakeCase(name), indices]));
}
