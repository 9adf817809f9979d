/** The LLaMA architecture (Touvron et al. 2023, arXiv 2302.13971): tokens → decoder layers → norm. */
import {
  type Attention,
  type AttentionContext,
  addResidual,
  causalMask,
  type MLP,
  Module,
  type ModuleKind,
  paddingMask,
  type RMSNorm,
  type RotaryOptions,
  type RotaryTables,
  rotaryTables,
  segmentMask,
  type TokenTable,
} from '../nn';
import { compile, compileNested, isTracing, tf } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import { checkOneOf } from '../runtime/checks/checkValues';
import { checkLength } from './checkInputs';
import type { LlamaConfig } from './config';
import type { KeyValueCache } from './generation/growingCache';

/** Pre-norm attention and MLP around a residual stream. Shapes: x (B, T, C) → (B, T, C). */
export class LlamaDecoderLayer extends Module {
  readonly selfAttn: Attention;
  readonly mlp: MLP;
  readonly inputLayernorm: RMSNorm;
  readonly postAttentionLayernorm: RMSNorm;

  constructor(parts: Pick<LlamaDecoderLayer, 'selfAttn' | 'mlp' | 'inputLayernorm' | 'postAttentionLayernorm'>) {
    super();
    this.selfAttn = parts.selfAttn;
    this.mlp = parts.mlp;
    this.inputLayernorm = parts.inputLayernorm;
    this.postAttentionLayernorm = parts.postAttentionLayernorm;
  }

  override get kind(): ModuleKind {
    return 'decoder layer';
  }

  /** The layer's output, which adds attention and MLP to x. Shapes: x (B, T, C) → (B, T, C). */
  forward(x: tf.Tensor, context: AttentionContext): tf.Tensor {
    return tf.tidy(() => {
      const attended = addResidual(x, this.selfAttn.forward(this.inputLayernorm.forward(x), context));
      return addResidual(attended, this.mlp.forward(this.postAttentionLayernorm.forward(attended)));
    });
  }
}

const runLayer = (layer: LlamaDecoderLayer, x: tf.Tensor, context: AttentionContext) => layer.forward(x, context);

/** A layer as one operation of a compiled model. Equal layers share it, so a deeper model takes no longer to compile. */
const compiledLayer = compile(runLayer, { name: 'decoder_layer' });
/** The same, but recomputes values in the backward pass: only the input of each layer is saved. */
const checkpointedLayer = compile(runLayer, { name: 'checkpointed_layer', recompute: true });

/** Optional inputs of a pass over a batch. */
export interface LlamaModelOptions {
  /** 1 on tokens, 0 on padding, for the cached tokens and the new ones. Shapes: (B, S). */
  readonly attentionMask?: tf.Tensor2D;
  /** The text of each token in a packed row; each text attends only to itself and starts at position 0. Shapes: (B, T). */
  readonly segmentIds?: tf.Tensor2D;
  /** Contains the preceding tokens, and receives the new ones. */
  readonly cache?: KeyValueCache;
  /** Receives each layer's attention weights, (B, H, T, S); keep them with `tf.keep`. */
  readonly onWeights?: (weights: tf.Tensor4D, layer: number) => void;
}

/** The model without its output layer. Shapes: ids (B, T), int32 → (B, T, C). */
export class LlamaModel extends Module {
  readonly embedTokens: TokenTable;
  readonly layers: readonly LlamaDecoderLayer[];
  readonly norm: RMSNorm;
  /** Recompute the layers' values in a compiled backward pass, which saves memory and takes longer. @defaultValue false */
  gradientCheckpointing = false;

  constructor(
    parts: Pick<LlamaModel, 'embedTokens' | 'layers' | 'norm'>,
    readonly config: LlamaConfig,
  ) {
    super();
    this.embedTokens = parts.embedTokens;
    this.layers = parts.layers;
    this.norm = parts.norm;
  }

  override get kind(): ModuleKind {
    return 'decoder';
  }

  /** The normed output of the last layer. Shapes: ids (B, T) → (B, T, C). */
  forward(ids: tf.Tensor2D, options: LlamaModelOptions = {}): tf.Tensor {
    checkKnown('LlamaModel.forward', options, ['attentionMask', 'segmentIds', 'cache', 'onWeights']);
    const { attentionMask, segmentIds, cache, onWeights } = options;
    checkOneOf('gradientCheckpointing', this.gradientCheckpointing, [true, false]);
    const past = cache?.length ?? 0;
    const T = ids.shape[1];
    checkLength(past + T, this.config);
    return tf.tidy(() => {
      const { headDim, ropeTheta: theta, ropeScaling: scaling } = this.config;
      const numbers = { attentionMask: attentionMask?.toFloat(), segmentIds: segmentIds?.toFloat() }; // integers would pass through a GPU's host
      const { rotary, mask } = frame({ past, T, ...numbers }, { headDim, theta, scaling });
      let x = this.embedTokens.forward(ids);
      const isCompiled = isTracing() && !cache && !onWeights;
      const hides = attentionMask || segmentIds ? 'laterAndOthers' : 'later';
      const run = isCompiled ? (this.gradientCheckpointing ? checkpointedLayer : compiledLayer) : runLayer;
      for (const [index, layer] of this.layers.entries()) {
        const report = onWeights && { onWeights: (weights: tf.Tensor4D) => onWeights(weights, index) };
        x = run(layer, x, { rotary, mask, hides, ...(cache && { cache: cache.layer(index) }), ...report });
      }
      return normalized(this.norm, x);
    });
  }
}

/** The inputs that decide which token attends to which. */
type Visibility = Pick<LlamaModelOptions, 'attentionMask' | 'segmentIds'> & { readonly past: number; readonly T: number };

/** Values that all layers of a pass share. Shapes: mask (1 or B, 1, T, S). */
const frame = compileNested(
  ({ past, T, attentionMask, segmentIds }: Visibility, options: RotaryOptions): { rotary: RotaryTables; mask: tf.Tensor } => {
    const places = segmentIds ? segmentPositions(segmentIds) : positions(past, T, attentionMask);
    const causal = causalMask(T, past + T);
    const others = segmentIds ? segmentMask(segmentIds) : attentionMask && paddingMask(attentionMask);
    return { rotary: rotaryTables(places, options), mask: others ? causal.add(others) : causal };
  },
  { name: 'masks' },
);

const normalized = compileNested((norm: RMSNorm, x: tf.Tensor) => norm.forward(x), { name: 'norm' });

/** Positions of the new tokens: after the cached ones, without padding. Shapes: attentionMask (B, S) → (T) or (B, T). */
function positions(past: number, T: number, attentionMask?: tf.Tensor2D): tf.Tensor {
  if (!attentionMask) return tf.range(past, past + T);
  const counted = attentionMask.cumsum(1).sub(1).relu(); // left padding has position 0
  return counted.slice([0, past], [-1, T]);
}

/** The position of each token in its segment: the number of earlier tokens of the segment. Shapes: segmentIds (B, T) → (B, T). */
function segmentPositions(segmentIds: tf.Tensor2D): tf.Tensor {
  const isOwn = segmentMask(segmentIds).equal(0); // (B, 1, T, T)
  const isSeen = causalMask(segmentIds.shape[1]).equal(0);
  return isOwn.logicalAnd(isSeen).toFloat().sum([1, 3]).sub(1);
}
