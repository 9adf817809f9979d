/** The prefix attention of the source document, which differs from the paper's; kept for comparison. */
import {
  type Attention,
  type AttentionContext,
  type CausalSelfAttention,
  Module,
  type ModuleKind,
  type PrefixOptions,
  scaledDotProduct,
  tf,
} from 'lowrank';
import { checkKnown, normalVariable } from 'lowrank/internal';

/**
 * A frozen attention layer with the keys and values of trainable prompt vectors in front of its own. Both share **one** softmax, and a
 * sigmoid scales the logits of the prefix: `o(softmax([σ(g)·q·k_Pᵀ/√D, q·kᵀ/√D])·[v_P; v])`.
 *
 * The source document of this course calls this zero-init, but it is not. At g = 0 the factor is σ(0) = ½, and even a factor of 0 would
 * leave the prefix its share of the softmax, because a logit of 0 is not −∞. The layer therefore does not start as its base;
 * `ZeroInitPrefixAttention` does. The mask, rotation and cache come from the wrapped layer; the document has none of them.
 *
 * Shapes: x (B, T, C) → (B, T, C); adaptionPrompt (P, C); adaptionGate (1).
 */
export class SourcePrefixAttention extends Module implements Attention {
  readonly adaptionPrompt: tf.Variable;
  readonly adaptionGate: tf.Variable;

  /** Freezes the base attention. */
  constructor(
    readonly baseLayer: CausalSelfAttention,
    options: Omit<PrefixOptions, 'gate'>,
  ) {
    super();
    checkKnown('SourcePrefixAttention', options, ['adapterLen', 'seed']);
    const { adapterLen, seed = 0 } = options;
    baseLayer.freeze();
    this.adaptionPrompt = normalVariable([adapterLen, baseLayer.qProj.inFeatures], 1, seed);
    this.adaptionGate = tf.tidy(() => tf.variable(tf.zeros([1])));
  }

  override get kind(): ModuleKind {
    return 'attention';
  }

  forward(x: tf.Tensor, { rotary, mask, cache, onWeights }: AttentionContext): tf.Tensor {
    const { baseLayer } = this;
    return tf.tidy(() => {
      const own = { keys: baseLayer.keys(x, rotary), values: baseLayer.values(x) };
      const tokens = cache?.append(own.keys, own.values) ?? own;
      const prompt = tf.tile(this.adaptionPrompt.expandDims(0), [x.shape[0] ?? 1, 1, 1]); // (B, P, C)
      const prefixKeys = baseLayer.keys(prompt).mul<tf.Tensor4D>(this.adaptionGate.sigmoid()); // scales the logits
      const keys = tf.concat([prefixKeys, tokens.keys], 2); // (B, K, P + S, D)
      const values = tf.concat([baseLayer.values(prompt), tokens.values], 2);
      const open = tf.zeros([...mask.shape.slice(0, -1), this.adaptionPrompt.shape[0] ?? 0]); // every query sees the prefix
      const found = scaledDotProduct(baseLayer.queries(x, rotary), keys, values, { mask: tf.concat([open, mask], -1), onWeights });
      return baseLayer.output(found);
    });
  }
}
