/** Replaces an adapter's values in place. */

import { ArgumentError, type tf } from '../runtime';
import { sizeOf } from '../runtime/sizeOf';
import { assignTensors, plainName, readTensors, tensorsInMemory } from './files/adapterTensors';
import { openAdapterFolder } from './files/openAdapterFolder';
import { fileShape } from './files/tensorLayout';
import { assignStoredLayers, type EmbeddingLayers } from './layers/embeddingLayers';
import { methodOf, type PeftConfig } from './methods';
import type { AdapterTensor, ExpectedTensor, Swapping, Tuner } from './tuner';

/** A model with adapters, and its method of exchanging them. */
interface Adapted {
  readonly tuner: Tuner<PeftConfig>;
  readonly swapping: Swapping<PeftConfig>;
  readonly layers: EmbeddingLayers;
}

/**
 * Replaces the values of the present adapter by those of another; see `PeftModel.hotswapAdapter`.
 *
 * @throws ArgumentError when the new adapter is larger or of another kind, FormatError when its tensors are not those of its
 * configuration. Nothing is changed then.
 */
export function hotswap(
  { tuner, swapping, layers }: Adapted,
  { name, config }: { readonly name: string; readonly config: PeftConfig },
  source: string | tf.NamedTensorMap,
): void {
  const opened = typeof source === 'string' ? openAdapterFolder(source) : { config, tensors: tensorsInMemory(source) };
  checkKind(swapping, config, opened.config);
  layers.checkVocabulary(opened.tensors);
  const expected = tuner.expectedTensors(opened.config);
  const tensors = tuner.tensors(name);
  checkRoom(expected, tensors);
  const values = readTensors(opened.tensors, layers.expectedTensors(expected));
  const base = layers.read(opened.tensors.origin, values, expected);
  const scaleRatio = swapping.scaleRatios(name, opened.config);
  const fitted = Array.from(tensors, ([key, { variable, layout }]): [string, Float32Array] => {
    const name = plainName(key);
    const given = values.get(name);
    if (!given) return [name, new Float32Array(variable.size)];
    const scaled = scaleRatio(key) === 1 ? given : given.map((value) => value * scaleRatio(key));
    return [name, padded(scaled, expected.get(key)?.shape ?? [], fileShape(variable.shape, layout))];
  });
  assignTensors(tensors, new Map(fitted));
  assignStoredLayers(base);
}

/** @throws ArgumentError when the configurations differ in their tensors or in their base. */
function checkKind(swapping: Swapping<PeftConfig>, old: PeftConfig, next: PeftConfig): void {
  const had = swapping.kindOf(old);
  const given = next.peftType === old.peftType ? swapping.kindOf(next) : methodOf(next.peftType).name;
  if (had !== given) throw new ArgumentError(`an adapter of ${given} cannot go in the place of one of ${had}`);
}

/** Tensors that a layer needs even where the new adapter does not act; zeros would silence it. */
const NOT_ZERO = /\.(bias|lora_magnitude_vector)$/;

/** @throws ArgumentError with the tensors that do not fit into the present variables, and those that stay without a value. */
function checkRoom(expected: ReadonlyMap<string, ExpectedTensor>, tensors: ReadonlyMap<string, AdapterTensor>): void {
  const tight = [...expected].flatMap(([key, { shape }]) => {
    const tensor = tensors.get(key);
    if (!tensor) return [`${key} has no place`];
    const room = fileShape(tensor.variable.shape, tensor.layout);
    const fits = room.length === shape.length && room.every((length, axis) => length >= (shape[axis] ?? 0));
    return fits ? [] : [`${key} [${shape}] is larger than [${room}]`];
  });
  const bare = [...tensors.keys()].filter((key) => NOT_ZERO.test(key) && !expected.has(key)).map((key) => `${key} is missing in it`);
  const wrong = [...tight, ...bare];
  if (wrong.length === 0) return;
  const shown = wrong.slice(0, 10).join('; ');
  throw new ArgumentError(
    `the new adapter does not fit into the old one's variables: ${shown}${wrong.length > 10 ? '; …' : ''}; use loadAdapter instead`,
  );
}

/** Pads with zeros at the end of each axis. */
function padded(values: Float32Array, from: readonly number[], to: readonly number[]): Float32Array {
  const [rows = 1, width = 1] = from;
  const [, newWidth = 1] = to;
  if (from.join() === to.join()) return values;
  const result = new Float32Array(sizeOf(to));
  for (let row = 0; row < rows; row++) result.set(values.subarray(row * width, (row + 1) * width), row * newWidth);
  return result;
}
