/** `adapter_config.json`: PEFT's configurations as their file has them. */
import nodePath from 'node:path';
import { toSnakeCase } from '../../nn';
import { UnsupportedError } from '../../runtime';
import { warn } from '../../runtime/warn';
import { AdaptionPromptConfig, GATE_KINDS } from '../adaptionPrompt/config';
import { LORA_BIASES, LORA_INITIALISATIONS, LoraConfig, type LoraInitialisation } from '../lora/config';
import type { PeftConfig } from '../peftConfig';
import { ConfigFields } from './configFields';

/** The version of PEFT whose format this is. */
export const PEFT_VERSION = '0.21.0';

export const CONFIG_FILE = 'adapter_config.json';

/** Keys of every kind that say nothing about what is computed. */
const IGNORED = [
  'auto_mapping', // names a Python class, for PEFT to import; it is never loaded
  'inference_mode', // `isTrainable` decides that, as in PEFT
  'peft_version',
  'revision', // of the base, which is already loaded
];
/** LoRA's: how an adapter was started, which is over when it is read, and where PEFT keeps tensors meanwhile. */
const IGNORED_LORA = ['eva_config', 'megatron_core', 'runtime_config'];
/** Keys that do nothing in PEFT either, each for this reason; one that is not at its default is said. */
const WITHOUT_EFFECT: Readonly<Record<string, readonly [unset: unknown, reason: string]>> = {
  corda_config: [null, 'it is read only where init_lora_weights is "corda"'],
  fan_in_fan_out: [false, 'the linear layers of a LLaMA are never stored as (in, out)'],
  loftq_config: [{}, 'it is read only where init_lora_weights is "loftq"'],
  lora_ga_config: [null, 'it is read only where init_lora_weights is "lora_ga"'],
  qalora_group_size: [16, 'it is read only where use_qalora is true'],
};
/** LoRA's variants that compute something else, and the value that PEFT writes when they are off. */
const UNSUPPORTED_LORA = {
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
const REMEDY = 'train the adapter without it, or merge it into its base with PEFT, where PEFT can, and load the merged model';
/** Starts that leave the base as it is: what was loaded is a plain LoRA. */
const PLAIN_STARTS = ['eva', 'orthogonal'];

/**
 * Reads a folder's `adapter_config.json`.
 *
 * Fields that this version does not know are named in one warning and left out, as in PEFT. Nothing in the file is run or
 * imported, and its regular expressions are bounded in time.
 *
 * @throws FormatError when the file is missing or malformed, UnsupportedError when it asks for a method, or a variant of
 * LoRA, that this library does not have, ArgumentError when a number is out of its range.
 */
export function readAdapterConfig(folder: string): PeftConfig {
  const fields = ConfigFields.read(nodePath.join(folder, CONFIG_FILE));
  const kind = fields.string('peft_type') ?? fields.fail('peft_type', 'LORA or ADAPTION_PROMPT');
  const config = kind === 'LORA' ? readLora(fields) : kind === 'ADAPTION_PROMPT' ? readPrompt(fields) : undefined;
  if (!config)
    throw new UnsupportedError(`${CONFIG_FILE} has "peft_type": ${JSON.stringify(kind)}; supported are LORA and ADAPTION_PROMPT`);
  fields.ignore(IGNORED);
  if (fields.left.length > 0) {
    warn(`${nodePath.join(folder, CONFIG_FILE)}: unknown keys, which are ignored: ${fields.left.join(', ')}`);
  }
  return config;
}

/** The text of `adapter_config.json`, with every key that PEFT writes. */
export function adapterConfigText(config: PeftConfig): string {
  const common = {
    auto_mapping: null,
    base_model_name_or_path: config.baseModelNameOrPath,
    inference_mode: true,
    peft_type: config.peftType,
    peft_version: PEFT_VERSION,
    revision: null,
    task_type: config.taskType,
  };
  const entries = Object.entries({ ...common, ...(config instanceof LoraConfig ? loraFields(config) : promptFields(config)) });
  return JSON.stringify(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))), null, 2);
}

function readLora(fields: ConfigFields): LoraConfig {
  fields.ignore(IGNORED_LORA);
  for (const name of Object.keys(UNSUPPORTED_LORA)) {
    if (fields.isSet(name))
      throw new UnsupportedError(`${CONFIG_FILE} has "${name}": ${fields.text(name)}, which is not supported; ${REMEDY}`);
  }
  for (const [name, [unset, reason]] of Object.entries(WITHOUT_EFFECT)) {
    if (fields.isSet(name) && fields.text(name) !== JSON.stringify(unset)) {
      warn(`${CONFIG_FILE} has "${name}": ${fields.text(name)}, which does nothing here: ${reason}`);
    }
  }
  const pattern = fields.names('layers_pattern') ?? 'layers';
  if (pattern.length > 0 && [pattern].flat().join() !== 'layers') {
    throw new UnsupportedError(`${CONFIG_FILE} has "layers_pattern": ${fields.text('layers_pattern')}; only "layers" is supported`);
  }
  const layers = fields.numbers('layers_to_transform');
  return new LoraConfig({
    ...given({
      r: fields.number('r'),
      loraAlpha: fields.number('lora_alpha'),
      loraDropout: fields.number('lora_dropout'),
      excludeModules: fields.names('exclude_modules'),
      layersToTransform: layers && layers.length > 0 ? layers : undefined,
      rankPattern: fields.numberByName('rank_pattern'),
      alphaPattern: fields.numberByName('alpha_pattern'),
      useRslora: fields.boolean('use_rslora'),
      useDora: fields.boolean('use_dora'),
      ensureWeightTying: fields.boolean('ensure_weight_tying'),
      trainableTokenIndices: fields.numberLists('trainable_token_indices'),
      modulesToSave: [fields.names('modules_to_save') ?? []].flat(),
    }),
    targetModules: fields.names('target_modules') ?? fields.fail('target_modules', 'a text or a list of texts'),
    initLoraWeights: readStart(fields),
    bias: LORA_BIASES.find((bias) => bias === (fields.string('bias') ?? 'none')) ?? fields.fail('bias', LORA_BIASES.join(', ')),
    baseModelNameOrPath: fields.string('base_model_name_or_path') ?? null,
    taskType: fields.string('task_type') ?? null,
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

function readPrompt(fields: ConfigFields): AdaptionPromptConfig {
  const gate = fields.string('gate') ?? 'scalar';
  return new AdaptionPromptConfig({
    adapterLen: fields.number('adapter_len') ?? fields.fail('adapter_len', 'a number'),
    adapterLayers: fields.number('adapter_layers') ?? fields.fail('adapter_layers', 'a number'),
    gate: GATE_KINDS.find((kind) => kind === gate) ?? fields.fail('gate', GATE_KINDS.join(', ')),
    ...given({ targetModules: fields.string('target_modules') }),
    baseModelNameOrPath: fields.string('base_model_name_or_path') ?? null,
    taskType: fields.string('task_type') ?? null,
  });
}

function loraFields(config: LoraConfig): Record<string, unknown> {
  return {
    ...UNSUPPORTED_LORA,
    alpha_pattern: config.alphaPattern, // in the given order: the first pattern that matches counts
    bias: config.bias,
    ...Object.fromEntries(Object.entries(WITHOUT_EFFECT).map(([name, [unset]]) => [name, unset])),
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

/** A list as it is; the names of layers as Hugging Face has them. */
function tokenFields(given: LoraConfig['trainableTokenIndices']): unknown {
  if (given === undefined) return null;
  if (Array.isArray(given)) return given;
  return Object.fromEntries(Object.entries(given).map(([name, indices]) => [toSnakeCase(name), indices]));
}

/** PEFT's fields, and `gate` where it is a kind that PEFT has not: its shape makes PEFT refuse the file, not misread it. */
function promptFields({ adapterLayers, adapterLen, targetModules, gate }: AdaptionPromptConfig): Record<string, unknown> {
  return {
    adapter_layers: adapterLayers,
    adapter_len: adapterLen,
    target_modules: toSnakeCase(targetModules),
    ...(gate !== 'scalar' && { gate }),
  };
}

/** Hugging Face's names; a regular expression stays as it is. */
function fileNames(names: string | readonly string[]): string | readonly string[] {
  return typeof names === 'string' ? names : names.map(toSnakeCase);
}

function nullIfEmpty(names: string | readonly string[]): string | readonly string[] | null {
  return names.length > 0 ? names : null;
}

/** The entries that are there. */
function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
