/** IA3 on a linear layer. */
import type { Projection } from '../../nn';
import { checkWidth } from '../../nn/checkWidth';
import { tf } from '../../runtime';
import type { UpdateTensor } from '../layers/adapterLayer';
import { byRows, checkUnmerged } from '../layers/adapterPerRow';
import type { AdapterState } from '../layers/adapterState';
import { LinearAdapterLayer } from '../layers/linearAdapterLayer';
import type { IA3Update } from './ia3Update';

/**
 * A frozen linear layer with a trainable factor for each output, or, as a feedforward layer, for each input (Liu et al. 2022,
 * arXiv 2205.05638, section 3.3).
 *
 * `y = l ⊙ (x·W + b)`, or `y = (l ⊙ x)·W + b`; every l starts at 1, so at first `y = x·W + b`. The factors of several active
 * adapters multiply.
 *
 * Shapes: x (…, I) → y (…, O); l (O), or (I).
 */
export class IA3Linear extends LinearAdapterLayer<IA3Update> {
  constructor(
    baseLayer: Projection,
    readonly isFeedforward: boolean,
    state?: AdapterState,
  ) {
    super(baseLayer, state);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const names = this.state.rowAdapters;
    if (!names) return this.scaled(x, this.actingUpdates());
    checkUnmerged(this);
    return byRows(x, names, (rows, name) => this.scaled(rows, [this.updates.get(name) ?? []].flat()));
  }

  protected updateTensors({ factors }: IA3Update): UpdateTensor[] {
    return [{ file: 'ia3_l', variable: factors, layout: this.isFeedforward ? 'batched' : 'column' }];
  }

  deltaWeight(weight: tf.Tensor, updates: readonly IA3Update[]): tf.Tensor {
    const change = product(updates).sub(1);
    return weight.mul(this.isFeedforward ? change.expandDims(1) : change);
  }

  deltaOutputs(x: tf.Tensor, weight: tf.Tensor, updates: readonly IA3Update[]): tf.Tensor {
    const change = product(updates).sub(1);
    const input = this.isFeedforward ? x.mul(change) : x;
    const output = tf.matMul(input as tf.Tensor2D, weight as tf.Tensor2D);
    return this.isFeedforward ? output : output.mul(change);
  }

  /** The outputs' factors scale the bias too. */
  override mergedBias(names: readonly string[]): tf.Tensor | undefined {
    const bias = this.baseBias();
    if (this.isFeedforward || !bias) return undefined;
    return bias.mul(product(names.flatMap((name) => this.updates.get(name) ?? [])));
  }

  reorderOutputs(name: string, order: tf.Tensor1D): void {
    const update = this.updates.get(name);
    if (update && !this.isFeedforward) update.factors.assign(tf.gather(update.factors, order));
  }

  private scaled(x: tf.Tensor, updates: readonly IA3Update[]): tf.Tensor {
    const { baseLayer, isFeedforward } = this;
    if (updates.length === 0) return baseLayer.forward(x);
    if (isFeedforward) checkWidth(`an IA3 layer with factors (${this.inFeatures})`, x, this.inFeatures);
    return tf.tidy(() => {
      const factors = product(updates);
      return isFeedforward ? baseLayer.forward(x.mul(factors)) : baseLayer.forward(x).mul(factors);
    });
  }
}

/** The product of the factors; 1 if there are none. */
function product(updates: readonly IA3Update[]): tf.Tensor {
  return updates.map(({ factors }): tf.Tensor => factors).reduce((all, factors) => all.mul(factors), tf.scalar(1));
}
