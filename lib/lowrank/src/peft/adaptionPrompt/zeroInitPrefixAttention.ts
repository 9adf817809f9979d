/** Zero-init prefix attention, the method of LLaMA-Adapter. */
import { type Attention, type AttentionContext, type CausalSelfAttention, Module, type ModuleKind, scaledDotProduct } from '../../nn';
import { tf } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { checkGiven } from '../../runtime/checks/door';
import { normalVariable } from '../initialValues';
import type { GateKind } from './config';

/** Settings of one layer's prefix. */
export interface PrefixOptions {
  /** Number `P` of prompt vectors. */
  readonly adapterLen: number;
  /** @defaultValue 'scalar' */
  readonly gate?: GateKind;
  /** Random seed of the initial prompt. @defaultValue 0 */
  readonly seed?: number;
}

/**
 * A frozen attention plus a gated second attention to trainable prompt vectors (Zhang et al. 2023, arXiv 2303.16199, eq. 6 to 8).
 *
 * `o(softmax(q·kᵀ/√D)·v + g·softmax(q·k_Pᵀ/√D)·v_P)`, where `k_P, v_P` are the layer's own projections of the prompt. Each part has its
 * own softmax, and the gate g multiplies after it. g starts at 0, so the layer starts exactly as its base. (The paper writes √C under the
 * scores; its code, and every other, divides by √D.) The prompt has no position: its keys are not rotated, and every query attends to all
 * of them.
 *
 * Every forward pass recomputes the prompt's keys and values, because cached ones would go stale in training (Lightning-AI/litgpt#1287).
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
    checkGiven('new ZeroInitPrefixAttention(baseLayer, options)', { baseLayer, options }, { baseLayer: '{qProj, freeze}' });
    checkKnown('ZeroInitPrefixAttention', options, ['adapterLen', 'gate', 'seed']);
    const { adapterLen, gate = 'scalar', seed = 0 } = options;
    checkWhole('adapterLen', adapterLen);
    baseLayer.freeze();
    this.gate = gate;
    this.adaptionPrompt = normalVariable([adapterLen, baseLayer.qProj.inFeatures], 1, seed); // initialized like an Embedding
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

  /** The factor of the prefix: the gate itself, or its tanh. Shapes: (1), or (1, H, 1, 1). */
  gateValue(): tf.Tensor {
    return tf.tidy(() => (this.gate === 'perHeadTanh' ? this.adaptionGate.tanh() : this.adaptionGate.clone()));
  }
}

/** Two callbacks that together report the gated prefix weights and the token weights as one map, (B, H, T, P + S). */
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
