/** The models that can have adapters. */
import type { ForwardOptions, InputOptions, LlamaConfig, LossOptions, TokenRows } from '../llama';
import type { Module } from '../nn';
import type { tf } from '../runtime';

/** A model for adapters: a LlamaForCausalLM, or a model of your own with these methods. */
export interface CausalModel extends Module {
  readonly config: LlamaConfig;
  /** The origin of the model, which saved adapters name. */
  readonly nameOrPath?: string;
  /** Whether its vocabulary was resized; saved adapters then contain its embedding and output layer. */
  readonly isResized?: boolean;
  /** Shapes: inputIds (B, T) → logits (B, T, V). */
  forward(inputIds: TokenRows, options?: ForwardOptions): tf.Tensor3D;
  /** Shapes: inputIds, labels (B, T) → (). */
  loss(inputIds: TokenRows, labels: TokenRows, options?: LossOptions): tf.Scalar;
  /** Shapes: inputIds (B, T) → (B, H, T, S) per layer. */
  attentions(inputIds: TokenRows, options?: InputOptions): tf.Tensor4D[];
}
