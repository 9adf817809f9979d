/** Reads some rows of a tensor from a file. */
import type { BinaryFile } from './binaryFile';

/** The byte range of a row-major tensor in its file; all rows have the same size. */
interface TensorPlace {
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Returns memory for `length` bytes. */
export type GiveMemory = (length: number) => Uint8Array;

/** The bytes of the rows from `begin` up to but not including `end`, along the first axis, in new memory unless `buffer` provides it. */
export function readTensorRows(file: BinaryFile, place: TensorPlace, begin: number, end: number, buffer?: GiveMemory): Uint8Array {
  const rowBytes = (place.end - place.begin) / (place.shape[0] ?? 1);
  const offset = place.begin + begin * rowBytes;
  const length = (end - begin) * rowBytes;
  return buffer ? file.readInto(buffer(length), offset) : file.read(offset, length);
}
