/** A model's configuration from the metadata of its GGUF file. */
import { GgufError, type GgufFile } from '../../io';
import { type RopeScaling, rotaryFrequencies } from '../../nn';
import { UnsupportedError } from '../../runtime';
import type { LlamaConfig } from '../config';
import { configOfFile } from './modelFiles';

/** @throws GgufError when a size is missing; UnsupportedError for another architecture than LLaMA's. */
export function configFromGguf(file: GgufFile): LlamaConfig {
  const architecture = file.metadata.get('general.architecture');
  if (architecture !== 'llama') {
    throw new UnsupportedError(`${file.path}: its architecture is '${architecture}'; only LLaMA's ('llama') is read here`);
  }
  if (optional(file, 'llama.expert_count')) throw new UnsupportedError(`${file.path}: mixtures of experts are not read here`);
  const numAttentionHeads = required(file, 'llama.attention.head_count');
  const hiddenSize = required(file, 'llama.embedding_length');
  const headDim = optional(file, 'llama.attention.key_length') ?? hiddenSize / numAttentionHeads;
  const rotated = optional(file, 'llama.rope.dimension_count') ?? headDim;
  if (rotated !== headDim)
    throw new UnsupportedError(`${file.path}: rotates ${rotated} of ${headDim} elements of a head; all are rotated here`);
  const ropeTheta = optional(file, 'llama.rope.freq_base') ?? 10_000;
  return configOfFile(file.path, {
    vocabSize: file.tensors.get('token_embd.weight')?.shape[0] ?? required(file, 'llama.vocab_size'),
    hiddenSize,
    intermediateSize: required(file, 'llama.feed_forward_length'),
    numHiddenLayers: required(file, 'llama.block_count'),
    numAttentionHeads,
    numKeyValueHeads: optional(file, 'llama.attention.head_count_kv') ?? numAttentionHeads,
    headDim,
    rmsNormEps: required(file, 'llama.attention.layer_norm_rms_epsilon'),
    ropeTheta,
    ropeScaling: ropeScaling(file, { headDim, ropeTheta }),
    maxPositionEmbeddings: required(file, 'llama.context_length'),
    tieWordEmbeddings: !file.tensors.has('output.weight'),
    attentionBias: file.tensors.has('blk.0.attn_q.bias'),
    mlpBias: file.tensors.has('blk.0.ffn_gate.bias'),
    bosTokenId: optional(file, 'tokenizer.ggml.bos_token_id'),
    eosTokenId: optional(file, 'tokenizer.ggml.eos_token_id'),
    padTokenId: optional(file, 'tokenizer.ggml.padding_token_id'),
  });
}

function ropeScaling(file: GgufFile, rotary: { readonly headDim: number; readonly ropeTheta: number }): RopeScaling | undefined {
  if (file.tensors.has('rope_freqs.weight')) return llama3Scaling(file, rotary);
  const type = file.metadata.get('llama.rope.scaling.type') ?? 'none';
  const factor = optional(file, 'llama.rope.scaling.factor') ?? optional(file, 'llama.rope.scale_linear') ?? 1;
  if (type !== 'none' && type !== 'linear') {
    throw new UnsupportedError(
      `${file.path}: its rotary embedding is scaled by '${type}'; read are 'linear' and Llama 3's, given as rope_freqs.weight`,
    );
  }
  return factor === 1 || factor === 0 ? undefined : { ropeType: 'linear', factor };
}

/**
 * Llama 3.1's scaling, which a GGUF file holds as one divisor per frequency: found again by trying the contexts that it may have
 * been trained with, and refused when none gives these divisors.
 */
function llama3Scaling(file: GgufFile, { headDim, ropeTheta }: { readonly headDim: number; readonly ropeTheta: number }): RopeScaling {
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

/** Llama 3's own, then the other powers of two up to a million. */
const ORIGINAL_CONTEXTS = [8192, ...Array.from({ length: 20 }, (_, power) => 2 ** (power + 1))];

function required(file: GgufFile, key: string): number {
  return optional(file, key) ?? fail(file, `there is no metadata '${key}', which a LLaMA model has`);
}

function optional(file: GgufFile, key: string): number | undefined {
  const value = file.metadata.get(key);
  if (value === undefined || typeof value === 'number') return value;
  return fail(file, `the metadata '${key}' is not one number`);
}

function fail(file: GgufFile, reason: string): never {
  throw new GgufError(file.path, 0, reason);
}
