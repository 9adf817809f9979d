/** Reads and writes Hugging Face's `config.json`. */
import { isJsonObject, type JsonObject } from '../../io';
import { JsonFields } from '../../io/jsonFields';
import type { RopeScaling } from '../../nn';
import { FormatError, UnsupportedError } from '../../runtime';
import { shown } from '../../runtime/messages/shown';
import { warn } from '../../runtime/messages/warn';
import { type Architecture, architectureOf, MODEL_TYPES, type ModelType, modelTypeWhere } from '../architectures';
import type { LlamaConfig, LlamaConfigOptions } from '../config';
import { checkWindow, configOfFile } from './modelSource';

/** The documents that describe a model; `generation` is that of `generation_config.json`. */
interface ConfigDocuments {
  readonly config: JsonObject;
  readonly generation?: JsonObject | undefined;
}

/**
 * Reads a configuration written by any version of transformers.
 *
 * @param path its origin, for messages.
 * @throws FormatError when a size is missing or has the wrong type; UnsupportedError when the model has another architecture or a
 * feature that this library does not read.
 */
export function configFromJson(path: string, { config: given, generation }: ConfigDocuments): LlamaConfig {
  const modelType = modelTypeIn(path, given);
  const architecture = architectureOf({ modelType });
  const config = { ...architecture.configDefaults, ...given };
  checkSupported(path, config, architecture);
  const read = fieldsOf(path, config);
  const rope = ropeOf(path, config);
  const llama = configOfFile(path, {
    modelType,
    vocabSize: read.required('vocab_size'),
    hiddenSize: read.required('hidden_size'),
    intermediateSize: read.required('intermediate_size'),
    numHiddenLayers: read.required('num_hidden_layers'),
    numAttentionHeads: read.required('num_attention_heads'),
    numKeyValueHeads: read.number('num_key_value_heads'),
    headDim: read.number('head_dim'),
    rmsNormEps: read.number('rms_norm_eps'),
    ropeTheta: rope.number('rope_theta') ?? read.number('rope_theta'),
    ropeScaling: ropeScaling(path, rope, read),
    maxPositionEmbeddings: read.number('max_position_embeddings'),
    tieWordEmbeddings: read.boolean('tie_word_embeddings'),
    attentionBias: read.boolean('attention_bias'),
    mlpBias: read.boolean('mlp_bias'),
    initializerRange: read.number('initializer_range'),
    ...tokenIds(fieldsOf(path, generation ?? config)), // transformers 5 takes none from the one where there is the other
  });
  if (generation && llama.eosTokenId === undefined && (config.eos_token_id ?? undefined) !== undefined) {
    const ids = shown(config.eos_token_id);
    warn(`${path}: generate does not end at eos_token_id ${ids}, which generation_config.json lacks; pass it as eosTokenId`);
  }
  checkWindow(path, architecture.slidingWindow(config), llama.maxPositionEmbeddings);
  const dropout = read.number('attention_dropout') ?? 0;
  if (dropout > 0) warn(`${path}: attention_dropout ${dropout} is not applied in training here; a LoRA's own loraDropout is`);
  return llama;
}

/**
 * The documents of a model, readable by transformers 4 and 5.
 *
 * @param dtype the storage type of its matrices.
 */
export function configToJson(config: LlamaConfig, dtype: 'float32' | 'bfloat16'): Required<ConfigDocuments> {
  const { className, attentionBias, mlpBias, configWritten } = architectureOf(config);
  const tokens = { bos_token_id: config.bosTokenId, eos_token_id: one(config.eosTokenId), pad_token_id: config.padTokenId };
  return {
    config: {
      architectures: [className],
      ...configWritten,
      ...(attentionBias === 'configured' && { attention_bias: config.attentionBias }),
      ...tokens,
      head_dim: config.headDim,
      hidden_act: 'silu',
      hidden_size: config.hiddenSize,
      initializer_range: config.initializerRange,
      intermediate_size: config.intermediateSize,
      max_position_embeddings: config.maxPositionEmbeddings,
      ...(mlpBias === 'configured' && { mlp_bias: config.mlpBias }),
      model_type: config.modelType,
      num_attention_heads: config.numAttentionHeads,
      num_hidden_layers: config.numHiddenLayers,
      num_key_value_heads: config.numKeyValueHeads,
      rms_norm_eps: config.rmsNormEps,
      rope_scaling: ropeScalingToJson(config.ropeScaling),
      rope_theta: config.ropeTheta,
      tie_word_embeddings: config.tieWordEmbeddings,
      torch_dtype: dtype,
      vocab_size: config.vocabSize,
    },
    generation: { _from_model_config: true, ...tokens },
  };
}

function one(ids: LlamaConfig['eosTokenId']): unknown {
  return Array.isArray(ids) && ids.length === 1 ? ids[0] : ids;
}

function ropeScalingToJson(scaling: RopeScaling | undefined): JsonObject | null {
  if (!scaling) return null;
  if (scaling.ropeType === 'linear') return { factor: scaling.factor, rope_type: 'linear' };
  return {
    factor: scaling.factor,
    high_freq_factor: scaling.highFreqFactor,
    low_freq_factor: scaling.lowFreqFactor,
    original_max_position_embeddings: scaling.originalMaxPositionEmbeddings,
    rope_type: 'llama3',
  };
}

function modelTypeIn(path: string, { model_type: given, architectures }: JsonObject): ModelType {
  const isClass = (name: string) => Array.isArray(architectures) && architectures.includes(name);
  const found = modelTypeWhere(({ className }, modelType) =>
    given === undefined || given === null ? isClass(className) : modelType === given,
  );
  if (found) return found;
  const known = MODEL_TYPES.map((name) => `"${name}"`).join(', ');
  throw new UnsupportedError(`${path}: model_type is ${shown(given)}; read are ${known}`);
}

function checkSupported(path: string, config: JsonObject, { activations, className }: Architecture): void {
  const refuse = (what: string) => {
    throw new UnsupportedError(`${path}: ${what}`);
  };
  const activation = config.hidden_act ?? 'silu';
  if (!activations.includes(activation)) refuse(`hidden_act is ${shown(activation)}; ${className}'s here is "${activations[0]}"`);
  if (config.is_causal === false) refuse('is_causal is false: tokens see later ones; only causal attention is computed here');
  if (config.rope_interleaved === true) refuse('rope_interleaved is true; only halves are rotated here');
  const quantization = config.quantization_config;
  if (quantization !== undefined && quantization !== null) {
    refuse('the weights are quantised (quantization_config); load the model unquantised, or a GGUF file');
  }
}

/** `rope_parameters` since transformers 5, `rope_scaling` before; if a file has both, transformers uses the second. */
function ropeOf(path: string, config: JsonObject): JsonFields {
  const { rope_scaling: scaling, rope_parameters: parameters } = config;
  const hasScaling = !isJsonObject(scaling) || Object.keys(scaling).length > 0; // an empty object counts as absent, as in Python
  const value = (hasScaling ? scaling : undefined) ?? parameters ?? {};
  if (!isJsonObject(value)) throw new FormatError(`${path}: the rotary settings (rope_parameters or rope_scaling) are not an object`);
  const isRotation = (each: unknown) => isJsonObject(each) && ('rope_theta' in each || 'rope_type' in each);
  const nested = Object.keys(value).filter((name) => isRotation(value[name]));
  if (nested.length > 0)
    throw new UnsupportedError(`${path}: rope_parameters sets rotations by layer (${shown(nested)}); here all layers rotate alike`);
  return fieldsOf(path, value);
}

function ropeScaling(path: string, rope: JsonFields, config: JsonFields): RopeScaling | undefined {
  const partial = rope.number('partial_rotary_factor') ?? config.number('partial_rotary_factor') ?? 1;
  if (partial !== 1) throw new UnsupportedError(`${path}: partial_rotary_factor is ${partial}; here whole heads are rotated`);
  const ropeType = rope.string('rope_type') ?? rope.string('type') ?? 'default'; // `type` is the older name
  switch (ropeType) {
    case 'default':
      return undefined;
    case 'linear':
      return { ropeType, factor: rope.required('factor') };
    case 'llama3':
      return {
        ropeType,
        factor: rope.required('factor'),
        lowFreqFactor: rope.required('low_freq_factor'),
        highFreqFactor: rope.required('high_freq_factor'),
        originalMaxPositionEmbeddings: rope.required('original_max_position_embeddings'),
      };
    default:
      throw new UnsupportedError(`${path}: the rotary embedding is scaled by "${ropeType.slice(0, 80)}"; read are linear and llama3`);
  }
}

function tokenIds(read: JsonFields): Pick<LlamaConfigOptions, 'bosTokenId' | 'eosTokenId' | 'padTokenId'> {
  const ids = (name: string) => read.numbers(name)?.filter((id) => id !== -1); // LLaMA 1 wrote −1 for none
  return { bosTokenId: ids('bos_token_id')?.[0], eosTokenId: ids('eos_token_id'), padTokenId: ids('pad_token_id')?.[0] };
}

function fieldsOf(path: string, object: JsonObject): JsonFields {
  return new JsonFields(path, new Map(Object.entries(object)));
}
