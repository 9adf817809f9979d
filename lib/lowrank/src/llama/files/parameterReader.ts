/**
 * Turns a stored tensor into a parameter in memory.
 *
 * Only this interface connects files with the model's memory. Each storage format (16 bits, 4 bits, the file's own blocks) has its own
 * {@link ReadParameter}, chosen in `loadParameters`.
 */
import type { QuantizedWeight } from '../../nn';
import { tf } from '../../runtime';
import { nodeBackend } from '../../runtime/device/backend';
import { sizeOf } from '../../runtime/sizeOf';
import { isKernel } from '../parameterShapes';
import type { ModelTensor } from './modelSource';

/** A parameter as the model stores it. */
export type Parameter = tf.Variable | QuantizedWeight;

/** Makes the parameter with this name and in-memory shape from a tensor in a file, whose kernels are [out, in]. */
export type ReadParameter = (name: string, shape: readonly number[], tensor: ModelTensor) => Parameter;

/** Values per read: few enough that the buffers are negligible and a transposed block stays in the cache. */
const CHUNK = 2 ** 18;

/**
 * Stores parameters as 32-bit floats. All are assembled in one shared buffer, so loading needs memory for the model and its largest
 * tensor only.
 *
 * @param largest the number of values in the largest parameter.
 */
export function float32Reader(largest: number): ReadParameter {
  // TensorFlow adopts an aligned array and copies any other; it must copy here, because the buffer is reused.
  const buffer = new Float32Array(new ArrayBuffer(4 * (largest + 1)), 4);
  const block = new Float32Array(Math.min(CHUNK, largest));
  return (name, shape, tensor) => {
    const values = buffer.subarray(0, sizeOf(shape));
    if (isKernel(name, shape)) fillTurned(values, tensor, block);
    else fill(values, tensor);
    return tf.tidy(() => tf.variable(copied(tf.tensor(values, [...shape]))));
  };
}

/** Any operation copies the values to the device; this one does nothing else. */
function copied(tensor: tf.Tensor): tf.Tensor {
  const backend = nodeBackend();
  const { TF_ATTR_TYPE, TF_FLOAT } = backend.binding;
  return backend.executeSingleOutput('Identity', [{ name: 'T', type: TF_ATTR_TYPE, value: TF_FLOAT }], [tensor]);
}

function fill(values: Float32Array, tensor: ModelTensor): void {
  const width = values.length / (tensor.shape[0] ?? 1);
  for (const [begin, end] of chunks(tensor)) tensor.read(begin, end, values.subarray(begin * width, end * width));
}

/** Transposes a tensor. Shapes: tensor [O, I] → values (I, O); `block` is memory for a chunk. */
function fillTurned(values: Float32Array, tensor: ModelTensor, block: Float32Array): void {
  const [O = 0, I = 0] = tensor.shape;
  for (const [begin, end] of chunks(tensor)) {
    const rows = tensor.read(begin, end, (end - begin) * I <= block.length ? block.subarray(0, (end - begin) * I) : undefined);
    for (let i = 0; i < I; i++) {
      for (let row = begin, to = i * O + begin, from = i; row < end; row++, to++, from += I) values[to] = rows[from] as number;
    }
  }
}

/** Row ranges that together cover the tensor. */
function* chunks({ shape }: ModelTensor): Generator<readonly [begin: number, end: number]> {
  const [rows = 0] = shape;
  const step = Math.max(1, Math.floor((CHUNK * rows) / sizeOf(shape)));
  for (let begin = 0; begin < rows; begin += step) yield [begin, Math.min(begin + step, rows)];
}
