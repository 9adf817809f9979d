/** Merging adapters into all layers of a model, or into none. */
import { compile, NotFiniteError, tf } from '../../runtime';
import { groupsOfOneShape } from '../../runtime/tensorGroups';
import type { MergingOptions } from '../tuner';
import type { LoraLayer } from './loraLayer';
import { addUpdate, type UpdateValues } from './loraUpdate';

/** A layer to merge into, and those of the adapters that it has. */
interface Merge {
  readonly layer: LoraLayer;
  readonly names: readonly string[];
}

/** Merges these adapters into every layer they are on; on an error every base weight is as it was. */
export function mergeLayers(
  layers: Iterable<LoraLayer>,
  names: readonly string[],
  { safeMerge = false, onProgress }: Partial<MergingOptions> = {},
): void {
  const done: LoraLayer[] = [];
  const groups = mergedTogether(layers, names);
  const total = groups.reduce((sum, group) => sum + group.length, 0);
  try {
    for (const group of groups) {
      tf.tidy(() => {
        const merged = mergedWeights(group.map(valuesOf));
        for (const [index, { layer, names: present }] of group.entries()) {
          const values = merged[index] as tf.Tensor;
          if (safeMerge) checkFinite(values, present);
          done.push(layer); // before, since what fails half way is put back too
          layer.putMerged(present, values);
        }
      });
      onProgress?.(done.length, total);
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

/** Layers of one shape, some at a time; a packed weight alone, so that no more than one is unpacked at once. */
function mergedTogether(layers: Iterable<LoraLayer>, names: readonly string[]): Merge[][] {
  const merges = Array.from(layers, (layer) => ({ layer, names: names.filter((name) => layer.updates.has(name)) }));
  const present = merges.filter(({ names }) => names.length > 0);
  const isPlain = ({ layer }: Merge) => layer.baseWeight().format === 'float32';
  const plain = groupsOfOneShape(present.filter(isPlain), ({ layer }) => layer.weightShape.join());
  return [...plain, ...present.filter((merge) => !isPlain(merge)).map((merge) => [merge])];
}

type LayerValues = { readonly weight: tf.Tensor; readonly updates: readonly UpdateValues[] };

function valuesOf({ layer, names }: Merge): LayerValues {
  const updates = names.flatMap((name) => layer.updates.get(name) ?? []);
  const values = updates.map(({ loraA, loraB, scaling, magnitude }) => ({ loraA, loraB, scaling, magnitude }));
  return { weight: layer.baseWeight().read(), updates: values };
}

/** `W + Σ ΔW` of several layers as one operation: to begin one takes about as long as a layer's product. */
const mergedWeights = compile(
  (layers: readonly LayerValues[]): tf.Tensor[] =>
    layers.map(({ weight, updates }) => updates.reduce((sum, update) => addUpdate(sum, weight, update), weight)),
  { name: 'merged_weights', precision: 'float32', variesIn: 'anything' },
);

function checkFinite(values: tf.Tensor, names: readonly string[]): void {
  const isSound = tf.tidy(() => tf.isFinite(values).all().dataSync()[0] === 1);
  if (!isSound) throw new NotFiniteError(`merging ${names.join(', ')} gives weights that are NaN or infinite; the base is unchanged`);
}
