/** Merges adapters into all layers of a model, or into none. */
import { compile, NotFiniteError, tf } from '../../runtime';
import { groupsOfOneShape } from '../../runtime/tensorGroups';
import type { BaseWeight } from '../layers/baseWeight';
import type { MergingOptions } from '../tuner';

/** The merge of an update: its operands, and a function that becomes part of the compiled merge. */
export interface MergeStep<V extends object = object> {
  /** Adds this update to the sum of the weight and the previous updates. Shapes: sum, weight (I, O) → (I, O). */
  into(sum: tf.Tensor, weight: tf.Tensor, values: V): tf.Tensor;
  /** Tensors and numbers, by names. */
  readonly values: V;
}

/** A layer that can be merged into: see `AdapterLayer`. */
export interface MergeableLayer {
  readonly updates: ReadonlyMap<string, { readonly mergeStep: MergeStep }>;
  readonly weightShape: readonly [number, number];
  readonly mergedAdapters: readonly string[];
  baseWeight(): BaseWeight;
  mergedBias(names: readonly string[]): tf.Tensor | undefined;
  putMerged(names: readonly string[], values: tf.Tensor, bias?: tf.Tensor): void;
  unmerge(): void;
}

/** A layer, and its adapters to merge. */
interface Merge {
  readonly layer: MergeableLayer;
  readonly names: readonly string[];
}

/** Merges these adapters into all of their layers; on an error, every base weight is unchanged. */
export function mergeLayers(
  layers: Iterable<MergeableLayer>,
  names: readonly string[],
  { safeMerge = false, onProgress }: Partial<MergingOptions> = {},
): void {
  const done: MergeableLayer[] = [];
  const groups = mergedTogether(layers, names);
  const total = groups.reduce((sum, group) => sum + group.length, 0);
  try {
    for (const group of groups) {
      tf.tidy(() => {
        const merged = mergedWeights(group.map(valuesOf));
        for (const [index, { layer, names: present }] of group.entries()) {
          const values = merged[index] as tf.Tensor;
          const bias = layer.mergedBias(present);
          if (safeMerge) for (const each of bias ? [values, bias] : [values]) checkFinite(each, present);
          done.push(layer); // before the merge: a layer that fails half way is restored too
          layer.putMerged(present, values, bias);
        }
      });
      onProgress?.(done.length, total);
    }
  } catch (error) {
    unmergeLayers(done);
    throw error;
  }
}

/** Restores every base weight. */
export function unmergeLayers(layers: Iterable<MergeableLayer>): void {
  for (const layer of layers) if (layer.mergedAdapters.length > 0) layer.unmerge();
}

/** Groups of layers with the same shape; a packed weight has its own group, because only one is unpacked at a time. */
function mergedTogether(layers: Iterable<MergeableLayer>, names: readonly string[]): Merge[][] {
  const merges = Array.from(layers, (layer) => ({ layer, names: names.filter((name) => layer.updates.has(name)) }));
  const present = merges.filter(({ names }) => names.length > 0);
  const isPlain = ({ layer }: Merge) => layer.baseWeight().format === 'float32';
  const plain = groupsOfOneShape(present.filter(isPlain), ({ layer }) => layer.weightShape.join());
  return [...plain, ...present.filter((merge) => !isPlain(merge)).map((merge) => [merge])];
}

type LayerValues = { readonly weight: tf.Tensor; readonly steps: readonly MergeStep[] };

function valuesOf({ layer, names }: Merge): LayerValues {
  const steps = names.flatMap((name) => layer.updates.get(name)?.mergeStep ?? []);
  return { weight: layer.baseWeight().read(), steps };
}

/** `W + Σ ΔW` of several layers as one operation: starting an operation takes about as long as a layer's product. */
const mergedWeights = compile(
  (layers: readonly LayerValues[]): tf.Tensor[] =>
    layers.map(({ weight, steps }) => steps.reduce((sum, { into, values }) => into(sum, weight, values), weight)),
  { name: 'merged_weights', precision: 'float32', variesIn: 'anything' },
);

function checkFinite(values: tf.Tensor, names: readonly string[]): void {
  const areFinite = tf.tidy(() => tf.isFinite(values).all().dataSync()[0] === 1);
  if (!areFinite) throw new NotFiniteError(`merging ${names.join(', ')} makes weights NaN or infinite; the base is unchanged`);
}
