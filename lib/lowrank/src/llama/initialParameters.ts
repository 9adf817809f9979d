/** Where a new model's parameters come from: drawn at random, or given by name. */
import { Bfloat16Weight } from '../nn';
import { deriveSeed, FormatError, ShapeError, tf } from '../runtime';
import { statelessNormal } from '../runtime/statelessRandom';
import type { Parameters } from './buildModel';
import type { LlamaConfig } from './config';
import type { Parameter } from './files/parameterReader';
import { isKernel, parameterShapes } from './parameterShapes';

/** Gives the parameter of this name; the shape is that in memory, where kernels are (in, out) unless they are stored packed. */
export type ParameterSource = (name: string, shape: readonly number[]) => Parameter;

/** Tensors by Hugging Face's names, kernels as (in, out); undefined where there is none. */
export type TensorSource = (name: string) => tf.Tensor | undefined;

/** Hugging Face's start: weights normal with mean 0 and `initializerRange`, norms 1, biases 0; the same for the same seed. */
export function randomParameters({ initializerRange }: LlamaConfig, seed: number): ParameterSource {
  let drawn = 0;
  return (name, shape) =>
    tf.tidy(() => {
      if (name.endsWith('.bias')) return tf.variable(tf.zeros([...shape]));
      if (shape.length === 1) return tf.variable(tf.ones([...shape])); // a norm
      return tf.variable(statelessNormal(shape, tf.tensor1d([deriveSeed(seed, drawn++) | 0, 0], 'int32')).mul(initializerRange));
    });
}

/**
 * The source's tensors themselves, not copies: each is freed with the variable made of it. Matrices of 16 bits are rounded as they
 * come, on the device, so that no more than one of them is there in 32.
 */
export function givenParameters(source: TensorSource, dtype: 'float32' | 'bfloat16' = 'float32'): ParameterSource {
  return (name, shape) => {
    const tensor = source(name);
    if (!tensor) throw new FormatError(`the weights have no '${name}', which the configuration asks for`);
    if (tensor.shape.join() !== shape.join()) {
      const found = `[${tensor.shape}]`;
      tensor.dispose();
      throw new ShapeError(`'${name}' has shape ${found}; the configuration asks for [${shape}] (kernels are (in, out))`);
    }
    const parameter = dtype === 'bfloat16' && shape.length === 2 ? inHalf(tensor, isKernel(name, shape)) : tf.variable(tensor);
    tensor.dispose();
    return parameter;
  };
}

/** Shapes: matrix (O, I), or turned (I, O). */
function inHalf(matrix: tf.Tensor, isTurned: boolean): Bfloat16Weight {
  const values = tf.tidy(() => (isTurned ? matrix.transpose<tf.Tensor2D>() : matrix.clone()) as tf.Tensor2D);
  const weight = Bfloat16Weight.fromTensor(values);
  values.dispose();
  return weight;
}

/** Everything that the configuration asks for, from one source; a failure half-way frees what was made. */
export function makeParameters(config: LlamaConfig, source: ParameterSource): Parameters {
  const made = new Map<string, Parameter>();
  try {
    for (const [name, shape] of parameterShapes(config)) made.set(name, source(name, shape));
    return made;
  } catch (error) {
    for (const parameter of made.values()) parameter.dispose();
    throw error;
  }
}
