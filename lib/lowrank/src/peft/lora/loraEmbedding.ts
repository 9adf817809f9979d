/** LoRA on an embedding. */
import type { TokenTable } from '../../nn';
import { gatherRows } from '../../nn/embedding';
import type { tf } from '../../runtime';
import { LoraLayer } from './loraLayer';
import type { LoraUpdate } from './loraUpdate';

/**
 * A frozen token table plus trainable low-rank updates: `y = E[id] + s·A[id]·B`. There is no dropout, as in PEFT.
 *
 * A starts at zero and B from N(0, 1), the reverse of a linear layer, as in PEFT and in the authors' code.
 *
 * Shapes: ids (B, T) → (B, T, C); A (V, r), B (r, C).
 */
export class LoraEmbedding extends LoraLayer<TokenTable> {
  /** The base's table. */
  get weight(): TokenTable['weight'] {
    return this.baseLayer.weight;
  }

  /** How many tokens it has, V. */
  get numEmbeddings(): number {
    return this.baseLayer.numEmbeddings;
  }

  /** How wide each token's vector is, C. */
  get embeddingDim(): number {
    return this.baseLayer.embeddingDim;
  }

  get weightShape(): readonly [number, number] {
    return [this.numEmbeddings, this.embeddingDim];
  }

  protected get factorNames() {
    return { loraA: 'lora_embedding_A', loraB: 'lora_embedding_B' };
  }

  /** `s·A[id]·B` */
  protected branch(ids: tf.Tensor, update: LoraUpdate): tf.Tensor {
    return update.widen(gatherRows(update.loraA, ids.cast('int32'), this.baseLayer.paddingIdx));
  }

  /** DoRA's addition to the base's output: `(g − 1)·E[id] + g·s·A[id]·B` with g = m/‖E + s·A·B‖. */
  protected doraBranch(ids: tf.Tensor, base: tf.Tensor, update: LoraUpdate, magnitude: tf.Tensor): tf.Tensor {
    const scale = update.directionScale(this.baseWeight().read(), magnitude); // (C)
    return base.mul(scale.sub(1)).add(this.branch(ids, update).mul(scale));
  }
}
