/** LoRA on an embedding. */
import type { TokenTable } from '../../nn';
import { tf } from '../../runtime';
import type { LoraOptions } from './config';
import { LoraLayer, type LoraLayerOptions } from './loraLayer';
import type { LoraUpdate } from './loraUpdate';

/**
 * A frozen token table plus trainable low-rank updates: `y = E[id] + s·A[id]·B`. There is no dropout, as in PEFT.
 *
 * A starts at zero and B from N(0, 1), the reverse of a linear layer, as in the authors' code.
 *
 * Shapes: ids (B, T) → (B, T, C); A (V, r), B (r, C).
 */
export class LoraEmbedding extends LoraLayer<TokenTable> {
  /** @param options - left out, the layer has no adapter yet */
  constructor(baseLayer: TokenTable, options?: LoraOptions, given: LoraLayerOptions = {}) {
    super(baseLayer, given);
    const { adapterName = 'default', seed = 0 } = given;
    if (options !== undefined) this.addAdapter(adapterName, options, { seed });
  }

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

  /** Shapes: ids (B, T), int32 → (B, T, C). */
  forward(ids: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const base = this.baseLayer.forward(ids);
      const names = this.state.rowAdapters;
      if (names) return this.mixed({ x: ids, base, names }, branch);
      return this.actingUpdates().reduce(
        (y, update) => y.add(update.magnitude ? this.doraBranch(ids, base, update, update.magnitude) : branch(ids, update)),
        base,
      );
    });
  }

  get weightShape(): readonly [number, number] {
    return [this.numEmbeddings, this.embeddingDim];
  }

  protected get factorNames() {
    return { loraA: 'lora_embedding_A', loraB: 'lora_embedding_B' };
  }

  /** DoRA's addition to the base's output: `(g − 1)·E[id] + g·s·A[id]·B` with g = m/‖E + s·A·B‖. */
  private doraBranch(ids: tf.Tensor, base: tf.Tensor, update: LoraUpdate, magnitude: tf.Tensor): tf.Tensor {
    const scale = update.directionScale(this.baseWeight().read(), magnitude); // (C)
    return base.mul(scale.sub(1)).add(branch(ids, update).mul(scale));
  }
}

/** `s·A[id]·B` */
function branch(ids: tf.Tensor, update: LoraUpdate): tf.Tensor {
  return update.widen(tf.gather(update.loraA, ids.cast('int32')));
}
