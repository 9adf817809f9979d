/** A model's parameters as Hugging Face's files have them. */
import type { NamedTensorToStore, TensorToStore } from '../../io';
import { type Module, QuantizedWeight } from '../../nn';
import { StateError, tf } from '../../runtime';
import type { LlamaConfig } from '../config';
import { isKernel, parameterShapes } from '../parameterShapes';

/** A model, or whatever holds one's layers. */
export type ModelToSave = Module & { readonly config: LlamaConfig };

/**
 * The tensors of a model by Hugging Face's names, kernels as (out, in); the bytes of each are made when its turn comes.
 *
 * @throws StateError when a parameter is not where the architecture has it: an adapter stands there.
 */
export function tensorsToSave(model: ModelToSave): NamedTensorToStore[] {
  const modules = new Map(model.namedModules());
  return Array.from(parameterShapes(model.config), ([name, shape]) => {
    const end = name.lastIndexOf('.');
    const layer: unknown = modules.get(name.slice(0, end));
    const parameter: unknown = layer && Reflect.get(layer, name.slice(end + 1));
    if (parameter instanceof tf.Variable) return [name, variableToSave(parameter, isKernel(name, shape))];
    if (parameter instanceof QuantizedWeight) return [name, weightToSave(parameter)];
    throw new StateError(`'${name}' is not in its place: an adapter is on this model. Merge and unload it, or unload it, then save`);
  });
}

function variableToSave(variable: tf.Variable, isTurned: boolean): TensorToStore {
  const shape = isTurned ? variable.shape.toReversed() : variable.shape;
  const values = () => valuesOf(() => (isTurned ? variable.transpose() : variable.clone()));
  return { dtype: 'F32', shape, bytes: () => bytesOf(values()) };
}

/** It lies as in files already. */
function weightToSave(weight: QuantizedWeight): TensorToStore {
  const values = () => valuesOf(() => weight.unpack());
  if (weight.format !== 'bfloat16') return { dtype: 'F32', shape: weight.shape, bytes: () => bytesOf(values()) };
  return { dtype: 'BF16', shape: weight.shape, bytes: () => bytesOf(upperHalves(values())) };
}

/** The values are read outside of tidy, which looks for tensors in every element of an array that it is given. */
function valuesOf(make: () => tf.Tensor): Float32Array {
  const tensor = tf.tidy(make);
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
}

/** What a bfloat16 is of a float32. */
function upperHalves(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.buffer, values.byteOffset, 2 * values.length);
  return new Uint16Array(values.length).map((_, i) => halves[2 * i + 1] as number);
}

function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
