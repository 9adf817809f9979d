/** Merging adapters into all layers of a model, or into none. */
import type { LoraLayer } from './loraLayer';

/** Merges these adapters into every layer they are on; on an error every base weight is as it was. */
export function mergeLayers(layers: Iterable<LoraLayer>, names: readonly string[], options: { readonly safeMerge?: boolean } = {}): void {
  const done: LoraLayer[] = [];
  try {
    for (const layer of layers) {
      layer.merge(names, options);
      done.push(layer);
    }
  } catch (error) {
    unmergeLayers(done);
    throw error;
  }
}

/** Puts every base weight back. */
export function unmergeLayers(layers: Iterable<LoraLayer>): void {
  for (const layer of layers) if (layer.mergedAdapters.length > 0) layer.unmerge();
}
