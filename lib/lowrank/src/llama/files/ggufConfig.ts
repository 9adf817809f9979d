/** Reads a model's configuration from the metadata of its GGUF file. */
import { GgufError, type GgufFile } from '../../io';
import { type RopeScaling, rotaryFrequencies } from '../../nn';
import { UnsupportedError } from '../../runtime';
import { ARCHITECTURES, type ModelType, modelTypeWhere } from '../architectures';
import type { LlamaConfig } from '../config';
import { checkWindow, configOfFile } from './modelSource';

/** @throws GgufError when a size is missing; UnsupportedError for an architecture or feature that this library does not read. */
export function configFromGguf(file: GgufFile): LlamaConfig {
  const { path } = file;
  const { modelType, prefix } = architectureIn(file);
  const number = (key: string) => optional(file, `${prefix}.${key}`);
  const needed = (key: string) => required(file, `${prefix}.${key}`);
  if (number('expert_count')) throw new UnsupportedError(`${path}: mixtures of experts are not read here`);
  if (file.metadata.get(`${prefix}.attention.causal`) === false)
    throw new UnsupportedError(`${path}: attention.causal is false: tokens see later ones; only causal attention is computed here`);
  const numAttentionHeads = needed('attention.head_count');
  const hiddenSize = needed('embedding_length');
  const headDim = number('attention.key_length') ?? hiddenSize / numAttentionHeads;
  const rotated = number('rope.dimension_count') ?? headDim;
  if (rotated !== headDim) throw new UnsupportedError(`${path}: rotates ${rotated} of ${headDim} elements of a head; all are rotated here`);
  const maxPositionEmbeddings = needed('context_length');
  checkWindow(path, number('attention.sliding_window') || undefined, maxPositionEmbeddings);
  const ropeTheta = number('rope.freq_base') ?? 10_000;
  return configOfFile(path, {
    modelType,
    vocabSize: file.tensors.get('token_embd.weight')?.shape[0] ?? needed('vocab_size'),
    hiddenSize,
    intermediateSize: needed('feed_forward_length'),
    numHiddenLayers: needed('block_count'),
    numAttentionHeads,
    numKeyValueHeads: number('attention.head_count_kv') ?? numAttentionHeads,
    headDim,
    rmsNormEps: needed('attention.layer_norm_rms_epsilon'),
    ropeTheta,
    ropeScaling: ropeScaling(file, { prefix, headDim, ropeTheta }),
    maxPositionEmbeddings,
    tieWordEmbeddings: !file.tensors.has('output.weight'),
    attentionBias: file.tensors.has('blk.0.attn_q.bias'),
    mlpBias: file.tensors.has('blk.0.ffn_gate.bias'),
    bosTokenId: optional(file, 'tokenizer.ggml.bos_token_id'),
    eosTokenId: endTokens(file),
    padTokenId: optional(file, 'tokenizer.ggml.padding_token_id'),
  });
}

/** The ids that end a text for llama.cpp: those of the text, of a turn, and of a message to a tool. */
function endTokens(file: GgufFile): number | readonly number[] | undefined {
  const ids = ['eos', 'eot', 'eom'].flatMap((name) => optional(file, `tokenizer.ggml.${name}_token_id`) ?? []);
  const [id, ...others] = new Set(ids);
  return others.length === 0 ? id : [...new Set(ids)];
}

function architectureIn(file: GgufFile): { readonly modelType: ModelType; readonly prefix: string } {
  const prefix = file.metadata.get('general.architecture');
  const modelType = modelTypeWhere(({ gguf }) => gguf === prefix);
  if (modelType) return { modelType, prefix: ARCHITECTURES[modelType].gguf };
  const known = [...new Set(Object.values(ARCHITECTURES).map(({ gguf }) => `'${gguf}'`))].join(' and ');
  throw new UnsupportedError(`${file.path}: its architecture is '${String(prefix).slice(0, 80)}'; read are ${known}`);
}

interface RotaryOfFile {
  readonly prefix: string;
  readonly headDim: number;
  readonly ropeTheta: number;
}

function ropeScaling(file: GgufFile, rotary: RotaryOfFile): RopeScaling | undefined {
  const { prefix } = rotary;
  const type = file.metadata.get(`${prefix}.rope.scaling.type`) ?? 'linear'; // as llama.cpp
  if (type !== 'none' && type !== 'linear') {
    throw new UnsupportedError(
      `${file.path}: its rotary embedding is scaled by '${type}'; read are 'linear' and Llama 3's, given as rope_freqs.weight`,
    );
  }
  const given = optional(file, `${prefix}.rope.scaling.factor`) ?? optional(file, `${prefix}.rope.scale_linear`) ?? 1;
  const factor = type === 'none' || given === 0 ? 1 : given;
  if (!file.tensors.has('rope_freqs.weight')) return factor === 1 ? undefined : { ropeType: 'linear', factor };
  if (factor === 1) return llama3Scaling(file, rotary);
  throw new UnsupportedError(
    `${file.path}: scales by rope_freqs.weight and by rope.scaling.factor ${factor}; only one of them is read here`,
  );
}

/**
 * Recovers Llama 3.1's scaling, which a GGUF file stores as one divisor per frequency. Tries the context lengths that the model may have
 * been trained with, and refuses the file if none yields these divisors.
 */
function llama3Scaling(file: GgufFile, { headDim, ropeTheta }: RotaryOfFile): RopeScaling {
  if (file.info('rope_freqs.weight').shape.join() !== `${headDim / 2}`)
    fail(file, 'rope_freqs.weight is not one divisor per pair of a head');
  const divisors = file.toFloat32('rope_freqs.weight');
  const plain = rotaryFrequencies({ headDim, theta: ropeTheta });
  const factor = divisors.reduce((highest, divisor) => Math.max(highest, divisor), 1);
  for (const originalMaxPositionEmbeddings of ORIGINAL_CONTEXTS) {
    const scaling = { ropeType: 'llama3', factor, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings } as const;
    const scaled = rotaryFrequencies({ headDim, theta: ropeTheta, scaling });
    if (divisors.every((divisor, i) => Math.abs(divisor * (scaled[i] ?? 0) - (plain[i] ?? 0)) < 1e-4 * (plain[i] ?? 0))) return scaling;
  }
  throw new UnsupportedError(`${file.path}: the divisors in rope_freqs.weight are not those of Llama 3's scaling, the only ones read here`);
}

/** Llama 3's own context length, then the other powers of two up to a million. */
const ORIGINAL_CONTEXTS = [8192, ...Array.from({ length: 20 }, (_, power) => 2 ** (power + 1))];

function required(file: GgufFile, key: string): number {
  return optional(file, key) ?? fail(file, `there is no metadata '${key}', which a model has`);
}

function optional(file: GgufFile, key: string): number | undefined {
  const value = file.metadata.get(key);
  if (value === undefined || typeof value === 'number') return value;
  return fail(file, `the metadata '${key}' is not one number`);
}

function fail(file: GgufFile, reason: string): never {
  throw new GgufError(file.path, 0, reason);
}
