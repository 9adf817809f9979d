/**
 * How a stored tensor becomes a parameter in memory.
 *
 * This is the one place where files meet the model's memory: another way to keep weights (16 bits, 4 bits, the file's own
 * blocks) is another {@link ReadParameter}, chosen in `loadParameters`.
 */
import type { StoredWeight } from '../nn';
import { tf } from '../runtime';
import { nodeBackend } from '../runtime/backend';
import type { ModelTensor } from './modelFiles';
import { isKernel } from './parameterShapes';

/** A parameter as the model keeps it. */
export type Parameter = tf.Variable | StoredWeight;

/** Makes the parameter of this name and in-memory shape from the tensor in the file, whose kernels are [out, in]. */
export type ReadParameter = (name: string, shape: readonly number[], tensor: ModelTensor) => Parameter;

/** Values read at a time: few enough that the buffers in between do not count, and that a turned block stays in the cache. */
const CHUNK = 2 ** 18;

/**
 * Keeps parameters as 32-bit floats. Each is assembled in one buffer that all share, so that loading holds the model and
 * the largest of its tensors, and no more.
 *
 * @param largest the values of the largest parameter.
 */
export function float32Reader(largest: number): ReadParameter {
  // TensorFlow adopts an aligned array and copies one that is not; it must copy, since the buffer is filled anew.
  const buffer = new Float32Array(new ArrayBuffer(4 * (largest + 1)), 4);
  return (name, shape, tensor) => {
    const values = buffer.subarray(0, size(shape));
    if (isKernel(name, shape)) fillTurned(values, tensor);
    else fill(values, tensor);
    return tf.tidy(() => tf.variable(copied(tf.tensor(values, [...shape]))));
  };
}

/** Any operation takes the values to the device; this one does nothing else. */
function copied(tensor: tf.Tensor): tf.Tensor {
  const backend = nodeBackend();
  const { TF_ATTR_TYPE, TF_FLOAT } = backend.binding;
  return backend.executeSingleOutput('Identity', [{ name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT }], [tensor]);
}

function fill(values: Float32Array, tensor: ModelTensor): void {
  let at = 0;
  for (const { rows } of chunks(tensor)) {
    values.set(rows, at);
    at += rows.length;
  }
}

/** Shapes: tensor [O, I] → values (I, O). */
function fillTurned(values: Float32Array, tensor: ModelTensor): void {
  const [O = 0, I = 0] = tensor.shape;
  for (const { begin, rows } of chunks(tensor)) {
    const count = rows.length / I;
    for (let i = 0; i < I; i++) {
      for (let row = 0, to = i * O + begin, from = i; row < count; row++, to++, from += I) values[to] = rows[from] as number;
    }
  }
}

function* chunks(tensor: ModelTensor): Generator<{ readonly begin: number; readonly rows: Float32Array }> {
  const [rows = 0] = tensor.shape;
  const step = Math.max(1, Math.floor((CHUNK * rows) / size(tensor.shape)));
  for (let begin = 0; begin < rows; begin += step) {
    yield { begin, rows: tensor.read(begin, Math.min(begin + step, rows)) };
  }
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}
