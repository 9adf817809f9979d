/** Causal self-attention, and its interfaces for models, caches and adapters. */
import { ShapeError, tf } from '../../runtime';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { checkGiven } from '../../runtime/checks/door';
import type { Projection } from '../linear';
import { Module } from '../module';
import type { ModuleKind } from '../moduleKind';
import { applyRotary, type RotaryTables } from './rotary';
import { type HiddenKeys, scaledDotProduct } from './scaledDotProduct';

/** The past keys and values of one layer. */
export interface LayerCache {
  /** Appends the new keys and values; returns all. Shapes: (B, K, T, D) → (B, K, S, D); keys rotated. */
  append(keys: tf.Tensor4D, values: tf.Tensor4D): { readonly keys: tf.Tensor4D; readonly values: tf.Tensor4D };
}

/** The inputs that all layers of a forward pass share. */
export interface AttentionContext {
  readonly rotary: RotaryTables;
  /** Additive, broadcastable to (B, H, T, S). */
  readonly mask: tf.Tensor;
  /** What the mask hides, if known. */
  readonly hides?: HiddenKeys;
  /** Absent in training: a cached value would get no gradient. */
  readonly cache?: LayerCache;
  /** Receives the attention weights, (B, H, T, S), and keeps what it needs with `tf.keep`. */
  readonly onWeights?: (weights: tf.Tensor4D) => void;
}

/** The attention of a decoder layer: the interface of the model's own and of an adapter around it. Shapes: x (B, T, C) → (B, T, C). */
export interface Attention extends Module {
  /** Shapes: x (B, T, C) → (B, T, C). */
  forward(x: tf.Tensor, context: AttentionContext): tf.Tensor;
}

/** The four projections; Shapes: q (C, H·D), k and v (C, K·D), o (H·D, C). */
export interface AttentionProjections {
  readonly qProj: Projection;
  readonly kProj: Projection;
  readonly vProj: Projection;
  readonly oProj: Projection;
}

/**
 * Causal self-attention with rotary positions and grouped queries (Ainslie et al. 2023, arXiv 2305.13245).
 *
 * `forward` is `output(attend(queries(x)))`; an adapter adds a second attention between the last two steps.
 *
 * Shapes: x (B, T, C) → (B, T, C).
 */
export class CausalSelfAttention extends Module implements Attention {
  readonly qProj: Projection;
  readonly kProj: Projection;
  readonly vProj: Projection;
  readonly oProj: Projection;
  /** H, from the width of qProj. */
  readonly numHeads: number;
  /** K, from the width of kProj. */
  readonly numKeyValueHeads: number;

  /** @throws ShapeError when a projection's width is not a multiple of the head's width. */
  constructor(
    projections: AttentionProjections,
    readonly headDim: number,
  ) {
    super();
    checkGiven('new CausalSelfAttention(projections, headDim)', { projections, headDim });
    const { qProj, kProj, vProj, oProj } = projections;
    checkGiven('new CausalSelfAttention(projections, headDim)', { qProj, kProj, vProj, oProj });
    this.qProj = qProj;
    this.kProj = kProj;
    this.vProj = vProj;
    this.oProj = oProj;
    checkWhole('headDim', headDim);
    this.numHeads = qProj.outFeatures / headDim;
    this.numKeyValueHeads = kProj.outFeatures / headDim;
    for (const heads of [this.numHeads, this.numKeyValueHeads, this.numHeads / this.numKeyValueHeads]) {
      if (Number.isInteger(heads)) continue;
      const widths = `query width ${qProj.outFeatures} and key width ${kProj.outFeatures}`;
      throw new ShapeError(`${widths} do not make whole, evenly shared heads of width ${headDim}`);
    }
    const isFit = kProj.outFeatures === vProj.outFeatures && oProj.inFeatures === qProj.outFeatures;
    if (isFit && kProj.inFeatures === qProj.inFeatures && vProj.inFeatures === qProj.inFeatures) return;
    const given = Object.entries({ qProj, kProj, vProj, oProj }).map(
      ([name, layer]) => `${name} (${layer.inFeatures}, ${layer.outFeatures})`,
    );
    throw new ShapeError(`q is (C, H·D), k and v are (C, K·D), o is (H·D, C); got ${given.join(', ')}`);
  }

  override get kind(): ModuleKind {
    return 'attention';
  }

  forward(x: tf.Tensor, context: AttentionContext): tf.Tensor {
    return tf.tidy(() => this.output(this.attend(this.queries(x, context.rotary), x, context)));
  }

  /** Shapes: x (B, T, C) → (B, H, T, D), rotated. */
  queries(x: tf.Tensor, rotary: RotaryTables): tf.Tensor4D {
    return tf.tidy(() => applyRotary(splitHeads(this.qProj.forward(x), this.headDim), rotary));
  }

  /** Shapes: x (B, T, C) → (B, K, T, D), rotated if tables are passed; a prefix has no positions and is not rotated. */
  keys(x: tf.Tensor, rotary?: RotaryTables): tf.Tensor4D {
    return tf.tidy(() => {
      const keys = splitHeads(this.kProj.forward(x), this.headDim);
      return rotary ? applyRotary(keys, rotary) : keys;
    });
  }

  /** Shapes: x (B, T, C) → (B, K, T, D). */
  values(x: tf.Tensor): tf.Tensor4D {
    return tf.tidy(() => splitHeads(this.vProj.forward(x), this.headDim));
  }

  /** The attention of the queries to x, and to the cache if there is one. Shapes: (B, H, T, D), x (B, T, C) → (B, H, T, D). */
  attend(queries: tf.Tensor4D, x: tf.Tensor, { rotary, mask, hides, cache, onWeights }: AttentionContext): tf.Tensor4D {
    return tf.tidy(() => {
      const own = { keys: this.keys(x, rotary), values: this.values(x) };
      const { keys, values } = cache?.append(own.keys, own.values) ?? own;
      return scaledDotProduct(queries, keys, values, { mask, hides, onWeights });
    });
  }

  /** Shapes: (B, H, T, D) → (B, T, C). */
  output(heads: tf.Tensor4D): tf.Tensor {
    return tf.tidy(() => this.oProj.forward(mergeHeads(heads)));
  }
}

/** Shapes: (B, T, H·D) → (B, H, T, D). */
export function splitHeads(x: tf.Tensor, headDim: number): tf.Tensor4D {
  const [B = 0, T = 0, width = 0] = x.shape;
  if (x.rank !== 3 || !(headDim > 0) || width % headDim !== 0) {
    throw new ShapeError(`attention takes (batch, tokens, width), the width a whole number of heads of ${headDim}; got shape [${x.shape}]`);
  }
  return tf.tidy(() => x.reshape([B, T, width / headDim, headDim]).transpose<tf.Tensor4D>([0, 2, 1, 3]));
}

/** Shapes: (B, H, T, D) → (B, T, H·D). */
export function mergeHeads(heads: tf.Tensor4D): tf.Tensor {
  const [B, H, T, D] = heads.shape;
  if (heads.rank !== 4) throw new ShapeError(`mergeHeads takes (batch, heads, tokens, width); got shape [${heads.shape}]`);
  return tf.tidy(() => heads.transpose([0, 2, 1, 3]).reshape([B, T, H * D]));
}
