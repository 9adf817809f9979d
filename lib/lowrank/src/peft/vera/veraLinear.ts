/** VeRA on a linear layer. */
import { addResidual } from '../../nn';
import { tf, UnsupportedError } from '../../runtime';
import type { UpdateTensor } from '../layers/adapterLayer';
import { adapterPerRow } from '../layers/adapterPerRow';
import { LinearAdapterLayer } from '../layers/linearAdapterLayer';
import type { VeraUpdate } from './veraUpdate';

/**
 * A frozen linear layer plus trainable scalings of frozen random projections (Kopiczko et al. 2023, arXiv 2310.11454, eq. 2).
 *
 * `y = x·W + c + ((drop(x)·A) ⊙ d)·B ⊙ b`; b starts at 0, so at first `y = x·W + c`. Dropout acts in training mode alone.
 *
 * Shapes: x (…, I) → y (…, O); A (I, r), d (r), B (r, O), b (O).
 */
export class VeraLinear extends LinearAdapterLayer<VeraUpdate> {
  forward(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      const base = this.baseLayer.forward(x);
      const names = this.state.rowAdapters;
      if (names) return adapterPerRow(this, { x, base, names }, (rows, update) => update.branch(rows));
      return this.actingUpdates().reduce((y, update) => addResidual(y, update.branch(this.state.dropped(x, update))), base);
    });
  }

  protected updateTensors({ lambdaB, lambdaD }: VeraUpdate): UpdateTensor[] {
    return [
      { file: 'vera_lambda_b', variable: lambdaB, layout: 'same' },
      { file: 'vera_lambda_d', variable: lambdaD, layout: 'same' },
    ];
  }

  deltaWeight(weight: tf.Tensor, updates: readonly VeraUpdate[]): tf.Tensor {
    return updates.reduce((sum, update) => sum.add(update.delta(this.inFeatures)), tf.zerosLike(weight));
  }

  deltaOutputs(x: tf.Tensor, _weight: tf.Tensor, updates: readonly VeraUpdate[]): tf.Tensor {
    return tf.addN(updates.map((update) => update.branch(x)));
  }

  reorderOutputs(): void {
    throw new UnsupportedError('VeRA adapters cannot be brought into another order of outputs: all layers share one projection B');
  }
}
