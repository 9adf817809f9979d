/** Reads `adapter_model.safetensors`, the tensors of an adapter under PEFT's names. */
import nodePath from 'node:path';
import { pathKind, readSafetensors } from '../../io';
import { ArgumentError, FormatError, type tf, UnsupportedError } from '../../runtime';
import type { AdapterTensor, ExpectedTensor } from '../tuner';
import { assignStored } from './tensorLayout';

export const TENSOR_FILE = 'adapter_model.safetensors';

/** PEFT's path of the model in a PeftModel; the names of the model's tensors in a file begin with it. */
const FILE_PREFIX = 'base_model.model.';

/** The prefix of PEFT's own tensors, which belong to no layer of the model. */
const OWN_PREFIX = 'base_model.';

/** A tensor's name in a file. */
export function fileName(name: string): string {
  return name.startsWith(OWN_PREFIX) ? name : `${FILE_PREFIX}${name}`;
}

/** The inverse of {@link fileName}; empty for a name that no file has. */
function ownName(name: string): string {
  if (name.startsWith(FILE_PREFIX)) return name.slice(FILE_PREFIX.length);
  return name.startsWith(OWN_PREFIX) ? name : '';
}

/** The source of an adapter's tensors: a file or memory. */
export interface TensorSource {
  /** Its name in errors. */
  readonly origin: string;
  readonly names: readonly string[];
  /** In the file's layout. */
  shape(name: string): readonly number[];
  /** Why the values cannot be used; undefined when they can. */
  problem(name: string): string | undefined;
  values(name: string): Float32Array;
  /** Runs `work`, which reads several tensors. */
  whileOpen<T>(work: () => T): T;
}

/**
 * Opens the tensors of an adapter folder. Reads only the header.
 *
 * @throws FormatError when the file is missing or malformed; UnsupportedError for a folder with only PyTorch's pickle, which can run code.
 */
export function openAdapterTensors(folder: string): TensorSource {
  const path = nodePath.join(folder, TENSOR_FILE);
  if (pathKind(path) === undefined && pathKind(nodePath.join(folder, 'adapter_model.bin')) !== undefined) {
    throw new UnsupportedError(`${folder} has adapter_model.bin, a pickle that could run code; save it as ${TENSOR_FILE} with PEFT`);
  }
  const file = readSafetensors(path);
  return {
    origin: path,
    names: file.names,
    shape: (name) => file.info(name).shape,
    problem: (name) => (/^(F|BF)\d+$/.test(file.info(name).dtype) ? undefined : `of dtype ${file.info(name).dtype}, not a float`),
    values: (name) => file.toFloat32(name),
    whileOpen: (work) => file.whileOpen(work),
  };
}

/** Tensors in memory, with the names and layout of PEFT's files. */
export function tensorsInMemory(tensors: tf.NamedTensorMap): TensorSource {
  const map = new Map(Object.entries(tensors));
  const tensor = (name: string): tf.Tensor => {
    const found = map.get(name);
    if (found) return found;
    throw new ArgumentError(`there is no tensor '${name}'`);
  };
  return {
    origin: 'the given map of tensors',
    names: [...map.keys()],
    shape: (name) => tensor(name).shape,
    problem: (name) => (tensor(name).dtype === 'float32' ? undefined : `of dtype ${tensor(name).dtype}, not float32`),
    values: (name) => tensor(name).dataSync<'float32'>(),
    whileOpen: (work) => work(),
  };
}

/** Values by the names of {@link AdapterTensor}s, biases by their plain names. */
export type TensorValues = ReadonlyMap<string, Float32Array>;

/**
 * Reads every value of the adapter, after comparing all names and shapes with the expected ones.
 *
 * @throws FormatError with up to ten missing, ten unexpected and ten mis-shaped tensors.
 */
export function readTensors(source: TensorSource, expected: ReadonlyMap<string, ExpectedTensor>): TensorValues {
  const wanted = new Map(Array.from(expected, ([name, tensor]) => [plainName(name), { name, ...tensor }]));
  const found = new Map<string, string>(); // names of the file
  const unexpected: string[] = [];
  const wrong: string[] = [];
  for (const name of source.names) {
    const key = plainName(ownName(name));
    const tensor = wanted.get(key);
    if (!tensor || found.has(key)) unexpected.push(name);
    else {
      found.set(key, name);
      const problem = source.problem(name) ?? shapeProblem(source.shape(name), tensor.shape);
      if (problem) wrong.push(`${name} ${problem}`);
    }
  }
  const missing = [...wanted].flatMap(([key, { name, isOptional }]) => (isOptional || found.has(key) ? [] : [fileName(name)]));
  const problems = [listed('missing', missing), listed('unexpected', unexpected), listed('unfit', wrong)].flat();
  if (problems.length > 0) {
    throw new FormatError(`${source.origin} does not fit this model and its configuration: ${problems.join('; ')}`);
  }
  return source.whileOpen(() => new Map(Array.from(found, ([key, name]) => [key, source.values(name)])));
}

/** Assigns values from {@link readTensors} to the adapter's variables. */
export function assignTensors(tensors: ReadonlyMap<string, AdapterTensor>, values: TensorValues): void {
  for (const [name, tensor] of tensors) {
    const given = values.get(plainName(name));
    if (given) assignStored(tensor, given);
  }
}

/** The name of a bias changes once an adapter wraps its layer; one file fits both. */
export function plainName(name: string): string {
  return name.endsWith('.bias') ? name.replace('.base_layer.', '.') : name;
}

function shapeProblem(shape: readonly number[], expected: readonly number[]): string | undefined {
  return shape.join() === expected.join() ? undefined : `[${shape}] instead of [${expected}]`;
}

function listed(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const shown = names.slice(0, 10).map((name) => (name.length > 200 ? `${name.slice(0, 200)}…` : name));
  return [`${names.length} ${what} (${shown.join(', ')}${names.length > 10 ? ', …' : ''})`];
}
