/** The terms of a memory plan, in bytes, computed from the shapes of the work. */
import type { MemoryTerm } from '../../runtime';
import type { LlamaConfig } from '../config';
import { cacheCapacity } from '../generation/cacheCapacity';
import type { KeyValueCache } from '../generation/growingCache';

/** All inputs of the terms. */
export interface Work {
  readonly config: LlamaConfig;
  readonly B: number;
  readonly T: number;
  readonly kept: number;
  /** Cached tokens before a forward pass; undefined without a cache. */
  readonly past: number | undefined;
  readonly maxNewTokens: number;
  readonly isCompiled: boolean;
  readonly isHalf: boolean;
  readonly isGpu: boolean;
  readonly isRecomputed: boolean;
  /** Layers in the backward pass. */
  readonly layers: number;
  /** Bytes of the trained parameters. */
  readonly trained: number;
  readonly largestTrained: number;
  /** Values in the largest packed matrix. */
  readonly largestPacked: number;
  readonly isHeadTrained: boolean;
}

/** Logits go through a compiled, frozen head in chunks of so many (`lmHeadLoss`). */
const CHUNK_LOGITS = 2 ** 23;

/** How often the attention scores and the widest states of a layer are held at the peak. Compiled attention on a GPU holds no scores. */
const COPIES = {
  CPU: { compiled: { scores: 2, states: 1 }, eager: { scores: 3.5, states: 1 } },
  GPU: { compiled: { scores: 0, states: 0.6 }, eager: { scores: 4.5, states: 2.5 } },
} as const;

function copies({ isCompiled, isGpu }: Work) {
  return COPIES[isGpu ? 'GPU' : 'CPU'][isCompiled ? 'compiled' : 'eager'];
}

/** The scores of one layer at a time: before, during and after the softmax. */
export function scoresTerm(work: Work): MemoryTerm {
  const { config, B, T } = work;
  return { name: 'attention scores', bytes: 4 * copies(work).scores * B * config.numAttentionHeads * T * seen(work) };
}

/** The widest states of one layer at a time. */
export function statesTerm(work: Work): MemoryTerm {
  const { config, B, T } = work;
  return { name: 'activations', bytes: 4 * copies(work).states * B * T * (8 * config.hiddenSize + 2 * config.intermediateSize) };
}

/** The causal mask, and its combination with the padding mask. */
export function maskTerm(work: Work): MemoryTerm {
  return { name: 'attention mask', bytes: 2 * 4 * work.T * seen(work) };
}

/** S, the number of positions that a token may attend to. */
function seen({ T, past = 0 }: Work): number {
  return past + T;
}

export function logitsTerm({ config, B, kept }: Work): MemoryTerm {
  return { name: 'logits', bytes: 4 * B * kept * config.vocabSize };
}

export const CACHE = 'key and value cache';

/** The keys and values of one layer, per position. */
function layerBytes({ config: { numKeyValueHeads: K, headDim: D }, B }: Pick<Work, 'config' | 'B'>): number {
  return 4 * 2 * B * K * D;
}

/** A cache that is given to a forward pass, twice: the pieces that its growth leaves behind are too small for the next ones. */
export function givenCacheTerm(work: Work): MemoryTerm {
  return { name: CACHE, bytes: 2 * layerBytes(work) * work.config.numHiddenLayers * seen(work) };
}

/** The part of that cache which is not there yet. A frozen one gets nothing: a copy of each layer's goes before the pass's own, and then away. */
export function missingCacheBytes(
  work: Pick<Work, 'config' | 'B' | 'T'>,
  { length, isFrozen }: Pick<KeyValueCache, 'length' | 'isFrozen'>,
): number {
  return layerBytes(work) * (isFrozen ? 2 * length + work.T : work.config.numHiddenLayers * (length + 2 * work.T));
}

/** A compiled step holds both the old cache and the new one, and so does a GPU at every step. */
export function cacheTerm({ config, B, T, maxNewTokens, isCompiled, isGpu }: Work): MemoryTerm {
  const places = (isCompiled || isGpu ? 2 : 1) * (isCompiled ? cacheCapacity(T, maxNewTokens) : T + maxNewTokens);
  return { name: CACHE, bytes: layerBytes({ config, B }) * config.numHiddenLayers * places };
}

/** Memory that oneDNN keeps for each new shape of a product. An uncompiled step has new shapes at each length; the oldest are forgotten. */
const KERNELS = { bytesPerStep: 0.55e6, steps: 850 };

export function kernelsTerm({ maxNewTokens, isCompiled, isGpu }: Work): MemoryTerm {
  const steps = isCompiled || isGpu ? 0 : Math.min(maxNewTokens, KERNELS.steps);
  return { name: "the processor's kernels", bytes: KERNELS.bytesPerStep * steps };
}

/** Values saved from the forward pass for the backward pass. */
export function activationTerm(work: Work): MemoryTerm {
  const { config, B, T, isCompiled, isRecomputed, layers } = work;
  const tokens = B * T;
  if (isRecomputed) return { name: 'activations', bytes: tokens * (4 * config.hiddenSize * layers + 1.5 * keptPerToken(work)) };
  return { name: isCompiled ? 'activations' : 'activations (not compiled)', bytes: tokens * layers * keptPerToken(work) };
}

/** Bytes per token and layer. */
function keptPerToken({ config, B, T, isCompiled, isHalf, isGpu, isHeadTrained }: Work): number {
  const { hiddenSize: C, intermediateSize: F, numAttentionHeads: H, numKeyValueHeads: K, headDim: D } = config;
  if (!isCompiled) return 4 * (35 * C + 6 * F + 2 * H * T);
  const states = (isHeadTrained ? 3 : 2) * C; // the inputs of the layer and its MLP, and those of trained projections
  const products = H * D + 2 * K * D + 2 * F;
  const isBlockwise = B * H * T * T > (isGpu ? 2 ** 26 : 2 ** 24);
  const weights = (isGpu && isHalf) || isBlockwise ? 0 : (T >= 64 ? 0.625 : 1) * H * T; // causal blocks skip the rest
  return 4 * states + (isHalf ? 2 : 4) * (products + weights);
}

/** Logits, their softmax and its gradient. */
export function trainedLogitsTerm({ config, B, T, isCompiled, isHeadTrained }: Work): MemoryTerm {
  const all = B * T * config.vocabSize;
  const isChunked = isCompiled && !isHeadTrained;
  return { name: 'logits', bytes: 4 * (isCompiled ? 3 : 4) * (isChunked ? Math.min(all, Math.max(CHUNK_LOGITS, config.vocabSize)) : all) };
}

/** A packed matrix unpacked for its product and, on a CPU, the next one. */
export function unpackedTerm({ largestPacked, isGpu, isHalf }: Work): MemoryTerm {
  return { name: 'unpacked weights', bytes: isGpu && isHalf ? 0 : (isGpu ? 1 : 2) * 4 * largestPacked };
}

/**
 * New values of parameters and moments, and intermediate values of the largest; a GPU moves tensors of one shape at a time. Uncompiled,
 * intermediate values of all.
 */
export function updateTerm({ trained, largestTrained, isCompiled, isGpu }: Work): MemoryTerm {
  if (!isCompiled) return { name: 'the update', bytes: 16 * trained };
  return { name: 'the update', bytes: isGpu ? 2 * trained : 3 * trained + 7 * largestTrained };
}
