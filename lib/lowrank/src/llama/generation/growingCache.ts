/** The KV cache of generation without `compile`, and of forward passes by hand: it grows with each token. */
import type { LayerCache } from '../../nn';
import { ArgumentError, ShapeError, tf } from '../../runtime';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { afterShared, type HeldLayer } from './fixedCache';

/**
 * A key and value cache that grows by concatenation.
 *
 * For generation only: its content has no gradient. Its owner disposes of it.
 */
export class KeyValueCache {
  readonly #layers = new Map<number, GrowingLayer>();
  readonly #numLayers: number;
  #isFrozen = false;

  constructor(numLayers: number) {
    checkWhole('numLayers', numLayers);
    this.#numLayers = numLayers;
  }

  /** The number of positions, padding included. */
  get length(): number {
    return this.#layers.get(0)?.length ?? 0;
  }

  /** Whether its owner has planned the memory of all passes, so none checks its own. @internal */
  isPlanned = false;

  /** Whether passes add nothing. @internal */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** @throws ArgumentError when the model has more layers than this cache. */
  layer(index: number): LayerCache {
    const isPlace = Number.isInteger(index) && index >= 0 && index < this.#numLayers;
    if (!isPlace) throw new ArgumentError(`this cache has ${this.#numLayers} layers; layer ${index} has no place in it`);
    const layer = this.#layers.get(index) ?? new GrowingLayer();
    this.#layers.set(index, layer);
    return this.#isFrozen ? { append: (keys, values) => layer.before({ keys, values }) } : layer;
  }

  /** Replaces the present rows by these; a row may be selected several times. */
  selectRows(rows: readonly number[]): void {
    const held = this.#layers.get(0)?.rows ?? 0;
    const unknown = rows.find((row) => !(Number.isInteger(row) && row >= 0 && row < held));
    if (unknown !== undefined) throw new ArgumentError(`this cache has ${held} rows; there is no row ${unknown}`);
    for (const layer of this.#layers.values()) layer.selectRows(rows);
  }

  /**
   * Adds nothing from here on: each pass sees what is held, and its own tokens. A single held row serves all rows of a pass, as the common
   * beginning of several texts.
   */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** Frees the keys and values. */
  dispose(): void {
    for (const layer of this.#layers.values()) layer.dispose();
    this.#isFrozen = false; // it may be used again, from its beginning
  }
}

class GrowingLayer implements LayerCache {
  #held?: HeldLayer;

  get length(): number {
    return this.#held?.keys.shape[2] ?? 0;
  }

  get rows(): number {
    return this.#held?.keys.shape[0] ?? 0;
  }

  append(keys: tf.Tensor4D, values: tf.Tensor4D): HeldLayer {
    const before = this.#held;
    const [rows] = keys.shape;
    if (before && this.rows !== rows) throw new ShapeError(`a cache of ${this.rows} rows cannot go on with a pass of ${rows} rows`);
    return this.#hold({
      keys: before ? tf.concat([before.keys, keys], 2) : keys.clone(),
      values: before ? tf.concat([before.values, values], 2) : values.clone(),
    });
  }

  /** What is held, and then these. Nothing is kept. */
  before(own: HeldLayer): HeldLayer {
    const held = this.#held;
    if (!held) return own;
    const rows = own.keys.shape[0];
    if (this.rows !== 1 && this.rows !== rows)
      throw new ShapeError(`a frozen cache of ${this.rows} rows cannot serve a pass of ${rows} rows`);
    return afterShared(held, own);
  }

  selectRows(rows: readonly number[]): void {
    const held = this.#held;
    if (!held) return;
    tf.tidy(() => {
      const chosen = tf.tensor1d([...rows], 'int32');
      this.#hold({ keys: tf.gather(held.keys, chosen), values: tf.gather(held.values, chosen) });
    });
  }

  #hold({ keys, values }: HeldLayer): HeldLayer {
    const before = this.#held;
    this.#held = { keys: tf.keep(keys), values: tf.keep(values) };
    before?.keys.dispose();
    before?.values.dispose();
    return this.#held;
  }

  dispose(): void {
    this.#held?.keys.dispose();
    this.#held?.values.dispose();
    this.#held = undefined;
  }
}
