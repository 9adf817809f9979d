/** The part that methods for linear layers share: the widths of the layer below. */
import type { Projection } from '../../nn';
import type { tf } from '../../runtime';
import { AdapterLayer, type LayerUpdate } from './adapterLayer';

/** A frozen linear layer with named updates. Shapes: x (…, I) → (…, O). */
export abstract class LinearAdapterLayer<U extends LayerUpdate> extends AdapterLayer<Projection, U> implements Projection {
  abstract forward(x: tf.Tensor): tf.Tensor;

  get inFeatures(): number {
    return this.baseLayer.inFeatures;
  }

  get outFeatures(): number {
    return this.baseLayer.outFeatures;
  }

  get weightShape(): readonly [number, number] {
    return [this.inFeatures, this.outFeatures];
  }
}
