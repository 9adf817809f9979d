/** Writes GGUF files of 32-bit floats, for example adapters. */
import { Buffer } from 'node:buffer';
import { ArgumentError } from '../../runtime';
import { sizeOf } from '../../runtime/sizeOf';
import { writeFileAtomic } from '../atomicFile';
import { GGML_NAMES } from './dequantize';
import { GGUF_TYPES, LONGEST_TENSOR_NAME } from './ggufHeader';
import { padded } from './readGguf';

/** A metadata value: a string, or a number stored as a 32-bit float. */
export type GgufFieldToStore = string | number;

/** A tensor to write; `shape` is row-major, outermost dimension first. */
export interface GgufTensorToStore {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const ALIGNMENT = 32;

/**
 * Writes a GGUF file (version 3, little-endian) of 32-bit floats. The file appears under its name only when it is complete.
 *
 * @throws ArgumentError when a name is longer than llama.cpp can read, or values do not fit their shape; StorageError when the disk
 * refuses.
 */
export function writeGguf(
  path: string,
  metadata: ReadonlyMap<string, GgufFieldToStore>,
  tensors: ReadonlyMap<string, GgufTensorToStore>,
): void {
  const header = [Buffer.from('GGUF'), uint32(3), uint64(tensors.size), uint64(metadata.size)];
  for (const [key, value] of metadata) header.push(text(key), ...field(value));
  let offset = 0;
  for (const [name, { shape, values }] of tensors) {
    checkTensor(name, shape, values);
    header.push(text(name), uint32(shape.length), ...shape.toReversed().map(uint64), uint32(GGML_NAMES.indexOf('F32')), uint64(offset));
    offset += padded(values.byteLength, ALIGNMENT);
  }
  writeFileAtomic(path, (append) => {
    append(aligned(Buffer.concat(header)));
    for (const { values } of tensors.values()) append(aligned(Buffer.from(values.buffer, values.byteOffset, values.byteLength)));
  });
}

function checkTensor(name: string, shape: readonly number[], { length }: Float32Array): void {
  if (sizeOf(shape) !== length) throw new ArgumentError(`tensor '${name}' of shape [${shape}] has ${length} values`);
  if (Buffer.byteLength(name) > LONGEST_TENSOR_NAME) {
    throw new ArgumentError(`the tensor name '${name}' exceeds the ${LONGEST_TENSOR_NAME} bytes that llama.cpp reads`);
  }
}

function field(value: GgufFieldToStore): Buffer[] {
  if (typeof value === 'string') return [uint32(GGUF_TYPES.string), text(value)];
  return [uint32(GGUF_TYPES.float32), Buffer.from(Float32Array.of(value).buffer)];
}

function text(value: string): Buffer {
  return Buffer.concat([uint64(Buffer.byteLength(value)), Buffer.from(value)]);
}

function uint32(value: number): Buffer {
  return Buffer.from(Uint32Array.of(value).buffer);
}

function uint64(value: number): Buffer {
  return Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
}

function aligned(bytes: Buffer): Uint8Array {
  return Buffer.concat([bytes], padded(bytes.length, ALIGNMENT)); // padded with zeros
}
