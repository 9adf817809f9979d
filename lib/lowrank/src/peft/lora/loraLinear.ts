/** LoRA on a linear layer. */
import { matMulFrozen, matMulRows, type Projection } from '../../nn';
import { tf } from '../../runtime';
import { LoraLayer } from './loraLayer';
import type { LoraUpdate } from './loraUpdate';

/**
 * A frozen linear layer plus trainable low-rank updates (Hu et al. 2021, eq. 3).
 *
 * `y = x·W + b + s·drop(x)·A·B` with s = α/r. A starts random and B at zero, so at first `y = x·W + b`. Dropout acts only in training mode,
 * only on the input of the branch, and scales the kept values by `1/(1 − p)`: merging needs no correction.
 *
 * Shapes: x (…, I) → y (…, O); A (I, r), B (r, O).
 *
 * @example
 * const layer = new LoraLinear(linear, { r: 16, loraAlpha: 32 });
 */
export class LoraLinear extends LoraLayer<Projection> implements Projection {
  get inFeatures(): number {
    return this.baseLayer.inFeatures;
  }

  get outFeatures(): number {
    return this.baseLayer.outFeatures;
  }

  get weightShape(): readonly [number, number] {
    return [this.inFeatures, this.outFeatures];
  }

  protected get factorNames() {
    return { loraA: 'lora_A.weight', loraB: 'lora_B.weight' };
  }

  /** `s·drop(x)·A·B` */
  protected branch(x: tf.Tensor, update: LoraUpdate): tf.Tensor {
    return update.widen(matMulRows(this.state.dropped(x, update), update.loraA));
  }

  /** The output of DoRA minus that of the base: `(g − 1)·x·W + g·s·x·A·B` with g = m/‖W + s·A·B‖. */
  protected doraBranch(x: tf.Tensor, base: tf.Tensor, update: LoraUpdate, magnitude: tf.Tensor): tf.Tensor {
    const weight = this.baseWeight();
    const scale = update.directionScale(weight.read(), magnitude); // (O)
    const input = this.state.dropped(x, update);
    const bias: unknown = Reflect.get(this.baseLayer, 'bias');
    const product = input === x ? (bias instanceof tf.Tensor ? base.sub(bias) : base) : matMulFrozen(input, () => weight.read());
    const low = update.widen(matMulRows(input, update.loraA));
    return product.mul(scale.sub(1)).add(low.mul(scale));
  }
}
