/** Batches whose rows use different adapters. */

import type { Module } from '../../nn';
import { StateError, tf } from '../../runtime';
import type { AdapterLayer, LayerUpdate } from './adapterLayer';

/** The name for rows without an adapter. */
export const BASE_ROW = '__base__';

interface MixedBatch {
  readonly x: tf.Tensor;
  /** The output of the layer without adapters. */
  readonly base: tf.Tensor;
  /** The adapter of each row. */
  readonly names: readonly string[];
}

/**
 * Adds the output of each row's own adapter to that of the base. The rows of one adapter pass through its branch together, then return to
 * their places.
 *
 * Shapes: x (B, …), base (B, …, O), one name per row → (B, …, O).
 *
 * @throws StateError when adapters are merged.
 */
export function adapterPerRow<U extends LayerUpdate>(
  layer: AdapterLayer<Module, U>,
  { x, base, names }: MixedBatch,
  branch: (rows: tf.Tensor, update: U, name: string) => tf.Tensor,
): tf.Tensor {
  checkUnmerged(layer);
  const added = byRows(x, names, (rows, name) => {
    const update = layer.updates.get(name);
    return update ? branch(rows, update, name) : tf.zeros([rows.shape[0] ?? 0, ...base.shape.slice(1)]);
  });
  return base.add(added);
}

/** @throws StateError when adapters are merged: they would affect every row. */
export function checkUnmerged({ mergedAdapters }: Pick<AdapterLayer, 'mergedAdapters'>): void {
  if (mergedAdapters.length > 0) throw new StateError('adapterNames needs unmerged adapters; call unmergeAdapter() first');
}

/** Runs the rows of each name together, and restores the order of the rows. */
export function byRows(x: tf.Tensor, names: readonly string[], run: (rows: tf.Tensor, name: string) => tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const parts: tf.Tensor[] = [];
    const order: number[] = []; // the rows in the order of the parts
    for (const name of new Set(names)) {
      const rows = names.flatMap((rowName, row) => (rowName === name ? [row] : []));
      parts.push(run(tf.gather(x, tf.tensor1d(rows, 'int32')), name));
      order.push(...rows);
    }
    const places = names.map((_, row) => order.indexOf(row));
    return tf.gather(tf.concat(parts), tf.tensor1d(places, 'int32'));
  });
}
