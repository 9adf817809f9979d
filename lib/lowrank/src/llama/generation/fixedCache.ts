/** Keys and values in tensors of one size for the whole text, so that one compiled step serves every position. */
import type { LayerCache } from '../../nn';
import { StateError, tf } from '../../runtime';

/** What one layer holds. Shapes: both (B, K, S, D), of which the positions not yet written are 0. */
export type HeldLayer = {
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
};

/** A layer's place for keys and values in one pass; what comes in is kept beyond the layer's own clean-up until it is taken out. */
abstract class Slot implements LayerCache {
  private kept: HeldLayer | undefined;

  abstract append(keys: tf.Tensor4D, values: tf.Tensor4D): HeldLayer;

  /** What the layer holds after its pass. */
  take(): HeldLayer {
    const { kept } = this;
    if (!kept) throw new StateError('this layer has put nothing into its cache: its attention takes no cache');
    this.kept = undefined;
    const taken = { keys: kept.keys.clone(), values: kept.values.clone() };
    tf.dispose([kept.keys, kept.values]);
    return taken;
  }

  protected keep({ keys, values }: HeldLayer): HeldLayer {
    this.kept = { keys: tf.keep(keys), values: tf.keep(values) };
    return this.kept;
  }
}

/**
 * Takes in a prompt: what the layer then holds has room for `capacity` positions, while its queries see the prompt's alone.
 *
 * Shapes: keys, values (B, K, T, D).
 */
export class PrefillSlot extends Slot {
  constructor(private readonly capacity: number) {
    super();
  }

  append(keys: tf.Tensor4D, values: tf.Tensor4D): HeldLayer {
    const room: [number, number] = [0, this.capacity - keys.shape[2]];
    const padded = (x: tf.Tensor4D) => x.pad<tf.Tensor4D>([[0, 0], [0, 0], room, [0, 0]]);
    this.keep({ keys: padded(keys), values: padded(values) });
    return { keys, values };
  }
}

/**
 * Puts one token's keys and values at its place.
 *
 * The place is a mask, not an index: a computed position in a slice would make XLA compile anew for each.
 *
 * Shapes: isPlace (1, 1, S, 1), bool; keys, values (B, K, 1, D).
 */
export class StepSlot extends Slot {
  constructor(
    private readonly before: HeldLayer,
    private readonly isPlace: tf.Tensor,
  ) {
    super();
  }

  append(keys: tf.Tensor4D, values: tf.Tensor4D): HeldLayer {
    const { isPlace, before } = this;
    return this.keep({ keys: tf.where(isPlace, keys, before.keys), values: tf.where(isPlace, values, before.values) });
  }
}
