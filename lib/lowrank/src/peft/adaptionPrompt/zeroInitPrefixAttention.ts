/** Zero-init prefix attention: LLaMA-Adapter's method. */
import { type Attention, type AttentionContext, type CausalSelfAttention, Module, type ModuleKind, scaledDotProduct } from '../../nn';
import { tf } from '../../runtime';
import { checkKnown } from '../../runtime/checkKnown';
import { normalVariable } from '../initialValues';
import type { GateKind } from './config';

/** What one layer's prefix is made of. */
export interface PrefixOptions {
  /** Number `P` of prompt vectors. */
  readonly adapterLen: number;
  /** @defaultValue 'scalar' */
  readonly gate?: GateKind;
  /** Seed of the prompt's initial values. @defaultValue 0 */
  readonly seed?: number;
}

/**
 * A frozen attention plus a gated second one to trainable prompt vectors (Zhang et al. 2023, arXiv 2303.16199, eq. 6 to 8).
 *
 * `o(softmax(q·kᵀ/√D)·v + g·softmax(q·k_Pᵀ/√D)·v_P)`, with `k_P, v_P` the layer's own projections of the prompt. Each part
 * has its own softmax and the gate g comes after it; g starts at 0, so the layer starts as its base, exactly. (The paper
 * writes √C under the scores; its code, and every other, divides by √D.) The prompt has no position: its keys are not
 * rotated, and every query sees all of them.
 *
 * Prompt keys and values are made anew in every forward: kept ones would go stale in training (Lightning-AI/litgpt#1287).
 *
 * Shapes: x (B, T, C) → (B, T, C); adaptionPrompt (P, C); adaptionGate (1), or (1, H, 1, 1) with a gate per head.
 */
export class ZeroInitPrefixAttention extends Module implements Attention {
  readonly adaptionPrompt: tf.Variable;
  readonly adaptionGate: tf.Variable;
  readonly gate: GateKind;

  /** Freezes the base attention. */
  constructor(
    readonly baseLayer: CausalSelfAttention,
    options: PrefixOptions,
  ) {
    super();
    checkKnown('ZeroInitPrefixAttention', options, ['adapterLen', 'gate', 'seed']);
    const { adapterLen, gate = 'scalar', seed = 0 } = options;
    baseLayer.freeze();
    this.gate = gate;
    this.adaptionPrompt = normalVariable([adapterLen, baseLayer.qProj.inFeatures], 1, seed); // as an Embedding starts
    this.adaptionGate = tf.tidy(() => tf.variable(tf.zeros(gate === 'scalar' ? [1] : [1, baseLayer.numHeads, 1, 1])));
  }

  override get kind(): ModuleKind {
    return 'attention';
  }

  forward(x: tf.Tensor, context: AttentionContext): tf.Tensor {
    const { baseLayer } = this;
    return tf.tidy(() => {
      const queries = baseLayer.queries(x, context.rotary);
      const gate = this.gateValue();
      const { onWeights, prefixWeights } = joinedWeights(context.onWeights, gate);
      const prompt = this.adaptionPrompt.expandDims(0); // (1, P, C)
      const found = scaledDotProduct(queries, baseLayer.keys(prompt), baseLayer.values(prompt), { onWeights: prefixWeights });
      const tokens = baseLayer.attend(queries, x, { ...context, onWeights });
      return baseLayer.output(tokens.add(found.mul(gate)));
    });
  }

  /** The number that multiplies the prefix: the gate itself, or its tanh. Shapes: (1), or (1, H, 1, 1). */
  gateValue(): tf.Tensor {
    return tf.tidy(() => (this.gate === 'perHeadTanh' ? this.adaptionGate.tanh() : this.adaptionGate.clone()));
  }
}

/** Two receivers that together report the gated prefix weights and the tokens' as one map, (B, H, T, P + S). */
function joinedWeights(report: AttentionContext['onWeights'], gate: tf.Tensor) {
  if (!report) return {};
  let prefix: tf.Tensor4D | undefined;
  return {
    prefixWeights: (weights: tf.Tensor4D) => {
      prefix = tf.keep(tf.tidy(() => weights.mul<tf.Tensor4D>(gate)));
    },
    onWeights: (weights: tf.Tensor4D) => {
      report(tf.concat(prefix ? [prefix, weights] : [weights], -1));
      prefix?.dispose();
    },
  };
}
