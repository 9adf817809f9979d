/** The KV cache of compiled generation: of one size for the whole text, so one compiled step serves every position. */
import type { LayerCache } from '../../nn';
import { StateError, tf } from '../../runtime';

/** Keys and values of one layer. Shapes: both (B, K, S, D); in a cache of fixed size, positions not yet written are 0. */
export type HeldLayer = {
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
};

/** The keys and values of `shared`, one row for all or one for each, and then a pass's own. Shapes: (1 or B, K, P, D), (B, K, T, D) → (B, K, P + T, D). */
export function afterShared(shared: HeldLayer, own: HeldLayer): HeldLayer {
  const join = (first: tf.Tensor4D, second: tf.Tensor4D) => {
    const [B] = second.shape;
    return tf.concat([first.shape[0] === B ? first : tf.tile(first, [B, 1, 1, 1]), second], 2);
  };
  return { keys: join(shared.keys, own.keys), values: join(shared.values, own.values) };
}

/** A layer's cache for one pass. What the layer stores survives the layer's own clean-up until it is taken. */
abstract class Slot implements LayerCache {
  private kept: HeldLayer | undefined;

  abstract append(keys: tf.Tensor4D, values: tf.Tensor4D): HeldLayer;

  /** The keys and values after the pass. */
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
 * Stores a prompt, after the `shared` positions of a common beginning. The result has room for `capacity` positions, while the queries
 * see only the prompt's.
 *
 * Shapes: keys, values (B, K, T, D), of shared (1, K, P, D) → (B, K, P + T, D).
 */
export class PrefillSlot extends Slot {
  constructor(
    private readonly capacity: number,
    private readonly shared?: HeldLayer,
  ) {
    super();
  }

  append(keys: tf.Tensor4D, values: tf.Tensor4D): HeldLayer {
    const all = this.shared ? afterShared(this.shared, { keys, values }) : { keys, values };
    const room: [number, number] = [0, this.capacity - all.keys.shape[2]];
    const padded = (x: tf.Tensor4D) => x.pad<tf.Tensor4D>([[0, 0], [0, 0], room, [0, 0]]);
    this.keep({ keys: padded(all.keys), values: padded(all.values) });
    return all;
  }
}

/**
 * Stores the keys and values of one token at its position.
 *
 * The position is a mask, not an index: with a computed index in a slice, XLA would compile for each position.
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
