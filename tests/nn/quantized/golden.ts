/** What bitsandbytes, llama.cpp's Python package and torch made of a few weights (tests/golden/scripts/makeStoredWeights.py). */
import { tf, type WeightRows } from 'lowrank';
import golden from '../../golden/storedWeights.json';

export { golden };

export function bytes(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

export function floats(base64: string): Float32Array {
  return new Float32Array(bytes(base64).buffer);
}

/** Values of this shape as a packer reads them. */
export function rows(shape: readonly number[], values: Float32Array): WeightRows {
  const [O = 0, I = 0] = shape;
  return { shape: [O, I], read: (begin, end) => values.slice(begin * I, end * I) };
}

/** The bytes of a variable of packed words. */
export function packedBytes(variable: tf.Tensor): Uint8Array {
  return new Uint8Array(variable.dataSync<'int32'>().slice().buffer);
}

/** The values of a tensor, which is freed. */
export function values(tensor: tf.Tensor): Float32Array {
  const data = tensor.dataSync<'float32'>().slice();
  tensor.dispose();
  return data;
}

/** The first `width` bytes of each of `count` rows. */
export function trimRows(all: Uint8Array, count: number, width: number): Uint8Array {
  const stride = all.length / count;
  return Uint8Array.from(Array.from({ length: count }, (_, row) => [...all.subarray(row * stride, row * stride + width)]).flat());
}

/** Seeded normal values. */
export function randomTensor(shape: number[], seed: number): tf.Tensor {
  return tf.randomNormal(shape, 0, 1, 'float32', seed);
}
