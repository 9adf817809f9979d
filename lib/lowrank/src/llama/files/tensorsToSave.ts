/** Converts a model's parameters to the layout of Hugging Face's files. */
import type { NamedTensorToStore, TensorToStore } from '../../io';
import { type Module, QuantizedWeight } from '../../nn';
import { StateError, tf } from '../../runtime';
import type { LlamaConfig } from '../config';
import { isKernel, parameterShapes } from '../parameterShapes';

/** A model, or an object with the layers of one. */
export type ModelToSave = Module & { readonly config: LlamaConfig };

/**
 * The tensors of a model by Hugging Face's names, kernels as (out, in). The bytes of each are made when its turn comes.
 *
 * @throws StateError when an adapter takes the place of a parameter.
 */
export function tensorsToSave(model: ModelToSave): NamedTensorToStore[] {
  const modules = new Map(model.namedModules());
  return Array.from(parameterShapes(model.config), ([name, shape]) => {
    const end = name.lastIndexOf('.');
    const layer = modules.get(name.slice(0, end));
    const leaf = name.slice(end + 1);
    const parameter: unknown = layer && Object.hasOwn(layer, leaf) && Reflect.get(layer, leaf); // wrappers show their base's
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

/** A packed weight already has the layout of files. */
function weightToSave(weight: QuantizedWeight): TensorToStore {
  const values = () => valuesOf(() => weight.unpack());
  if (weight.format !== 'bfloat16') return { dtype: 'F32', shape: weight.shape, bytes: () => bytesOf(values()) };
  return { dtype: 'BF16', shape: weight.shape, bytes: () => bytesOf(upperHalves(values())) };
}

/** Reads the values outside of tidy, which would search every element of a returned array for tensors. */
function valuesOf(make: () => tf.Tensor): Float32Array {
  const tensor = tf.tidy(make);
  const values = tensor.dataSync<'float32'>();
  tensor.dispose();
  return values;
}

/** The bfloat16 value is the upper half of a float32. */
function upperHalves(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.buffer, values.byteOffset, 2 * values.length);
  return new Uint16Array(values.length).map((_, i) => halves[2 * i + 1] as number);
}

function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
