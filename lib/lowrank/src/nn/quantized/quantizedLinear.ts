/** `y = x·Wᵀ + b` with a packed weight. */
import { tf } from '../../runtime';
import { checkWidth } from '../checkWidth';
import type { Projection } from '../linear';
import { Module } from '../module';
import type { ModuleKind } from '../moduleKind';
import { quantizedMatMul } from './quantizedMatMul';
import type { QuantizedWeight } from './quantizedWeight';

/**
 * A frozen linear layer whose weight is unpacked inside each product, and again in the backward pass: only the packed weight stays in
 * memory. The gradient flows to the input, never to the weight.
 *
 * Shapes: x (…, I) → y (…, O); weight (O, I), as in files; bias (O).
 */
export class QuantizedLinear extends Module implements Projection {
  /** Takes ownership of the weight and of the bias. */
  constructor(
    readonly weight: QuantizedWeight,
    readonly bias?: tf.Variable,
  ) {
    super();
  }

  override get kind(): ModuleKind {
    return 'projection';
  }

  get inFeatures(): number {
    return this.weight.columns;
  }

  get outFeatures(): number {
    return this.weight.rows;
  }

  forward(x: tf.Tensor): tf.Tensor {
    checkWidth(`a QuantizedLinear with a weight of shape (out, in) [${this.weight.shape}]`, x, this.inFeatures);
    return tf.tidy(() => {
      const y = quantizedMatMul(x, this.weight);
      return this.bias ? y.add(this.bias) : y;
    });
  }
}
