/** Sources of a new model's parameters: random, or given by name. */
import { Bfloat16Weight } from '../nn';
import { deriveSeed, FormatError, ShapeError, tf } from '../runtime';
import { statelessNormal } from '../runtime/statelessRandom';
import type { Parameters } from './buildModel';
import type { LlamaConfig } from './config';
import type { Parameter } from './files/parameterReader';
import { isKernel, parameterShapes } from './parameterShapes';

/** Returns the parameter with this name. The shape is that in memory: kernels are (in, out) unless stored packed. */
type ParameterSource = (name: string, shape: readonly number[]) => Parameter;

/** Tensors by Hugging Face's names, kernels as (in, out); undefined for a missing one. */
export type TensorSource = (name: string) => tf.Tensor | undefined;

/** Hugging Face's initialization: normal weights with mean 0 and `initializerRange`, norms 1, biases 0; deterministic by seed. */
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
 * The source's own tensors, not copies: each is freed with the variable made from it. 16-bit matrices are rounded one at a time on the
 * device, so at most one of them exists in 32 bits.
 */
export function givenParameters(source: TensorSource, dtype: 'float32' | 'bfloat16' = 'float32'): ParameterSource {
  return (name, shape) => {
    const tensor = source(name);
    if (!(tensor instanceof tf.Tensor)) throw new FormatError(`the weights have no '${name}', which the configuration asks for`);
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

/** Makes all parameters of the configuration from one source. On failure, frees those already made. */
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
