/** Exchanging an adapter's values in place. */
import { ArgumentError, type tf } from '../runtime';
import { assignTensors, readTensors, tensorsInMemory } from './files/adapterTensors';
import { openAdapterFolder } from './files/openAdapterFolder';
import { fileShape } from './files/tensorLayout';
import { assignStoredLayers, type EmbeddingLayers } from './layers/embeddingLayers';
import { LoraConfig } from './lora/config';
import { takesFromBase } from './lora/createLoraUpdate';
import { LoraTuner } from './lora/loraTuner';
import type { PeftConfig } from './peftConfig';
import type { AdapterTensor, ExpectedTensor, Tuner } from './tuner';

/**
 * Puts the values of another adapter into the variables of the one that is there; see `PeftModel.hotswapAdapter`.
 *
 * @throws ArgumentError when the new adapter is larger or of another kind, FormatError when its tensors are not those of its
 * configuration. Nothing is changed then.
 */
export function hotswap(
  { tuner, layers }: { readonly tuner: Tuner; readonly layers: EmbeddingLayers },
  { name, config }: { readonly name: string; readonly config: PeftConfig },
  source: string | tf.NamedTensorMap,
): void {
  const opened = typeof source === 'string' ? openAdapterFolder(source) : { config, tensors: tensorsInMemory(source) };
  checkKind(config, opened.config);
  layers.checkVocabulary(opened.tensors);
  const expected = tuner.expectedTensors(opened.config);
  const tensors = tuner.tensors(name);
  checkRoom(expected, tensors);
  const values = readTensors(opened.tensors, layers.expectedTensors(expected));
  const base = layers.read(opened.tensors.origin, values, expected);
  const scaleRatio = scaleRatios(tuner, name, opened.config);
  const fitted = Array.from(tensors, ([key, { variable, layout }]): [string, Float32Array] => {
    const given = values.get(key);
    if (!given) return [key, new Float32Array(variable.size)];
    const scaled = scaleRatio(key) === 1 ? given : given.map((value) => value * scaleRatio(key));
    return [key, padded(scaled, expected.get(key)?.shape ?? [], fileShape(variable.shape, layout))];
  });
  assignTensors(tensors, new Map(fitted));
  assignStoredLayers(base);
}

/** @throws ArgumentError when the configurations differ in what their tensors are, or in the base that they fit. */
function checkKind(old: PeftConfig, next: PeftConfig): void {
  const [had, given] = [kindOf(old), kindOf(next)];
  if (had !== given) throw new ArgumentError(`an adapter of ${given} cannot go in the place of one of ${had}`);
}

function kindOf(config: PeftConfig): string {
  if (!(config instanceof LoraConfig)) return `a prefix with a ${config.gate} gate`;
  const { useDora, bias, modulesToSave, trainableTokenIndices, ensureWeightTying, initLoraWeights, r, loraAlpha } = config;
  const residual = takesFromBase(config) ? { initLoraWeights, r, loraAlpha } : {}; // its file fits W − s·A₀·B₀ alone
  const saved = [...modulesToSave].sort();
  return `LoRA with ${JSON.stringify({ useDora, bias, modulesToSave: saved, trainableTokenIndices, ensureWeightTying, ...residual })}`;
}

/** @throws ArgumentError that lists what has no room in the variables that are there. */
function checkRoom(expected: ReadonlyMap<string, ExpectedTensor>, tensors: ReadonlyMap<string, AdapterTensor>): void {
  const tight = [...expected].flatMap(([key, { shape }]) => {
    const tensor = tensors.get(key);
    if (!tensor) return [`${key} has no place`];
    const room = fileShape(tensor.variable.shape, tensor.layout);
    const fits = room.length === shape.length && room.every((length, axis) => length >= (shape[axis] ?? 0));
    return fits ? [] : [`${key} [${shape}] is larger than [${room}]`];
  });
  if (tight.length === 0) return;
  const shown = tight.slice(0, 10).join('; ');
  throw new ArgumentError(
    `the new adapter does not fit into the old one's variables: ${shown}${tight.length > 10 ? '; …' : ''}; use loadAdapter instead`,
  );
}

/** What B must be multiplied by to keep the new adapter's `s·A·B` under the old one's scale; 1 for every other tensor. */
function scaleRatios(tuner: Tuner, name: string, next: PeftConfig): (key: string) => number {
  if (!(tuner instanceof LoraTuner && next instanceof LoraConfig)) return () => 1;
  const scalings = tuner.scalings(next);
  const ratios = new Map(
    tuner.layersOf(name).map(([path, { updates }]) => {
      const old = updates.get(name)?.scaling ?? 1;
      const ratio = (scalings.get(path) ?? old) / old;
      if (!Number.isFinite(ratio)) throw new ArgumentError(`the old adapter's scale at '${path}' is ${old}, so no other one fits under it`);
      return [path, ratio];
    }),
  );
  return (key) => ratios.get(/^(.*)\.lora_(?:B\.weight|embedding_B)$/.exec(key)?.[1] ?? '') ?? 1;
}

/** Fills up with zeros at the end of each axis. */
function padded(values: Float32Array, from: readonly number[], to: readonly number[]): Float32Array {
  const [rows = 1, width = 1] = from;
  const [, newWidth = 1] = to;
  if (from.join() === to.join()) return values;
  const result = new Float32Array(to.reduce((size, length) => size * length, 1));
  for (let row = 0; row < rows; row++) result.set(values.subarray(row * width, (row + 1) * width), row * newWidth);
  return result;
}
