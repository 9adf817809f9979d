/** Some rows of a tensor in a file. */
import type { BinaryFile } from './binaryFile';

/** Where a tensor's values are, row-major, in bytes of its file; every row takes the same room. */
interface TensorPlace {
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Gives memory for so many bytes. */
export type GiveMemory = (length: number) => Uint8Array;

/** The bytes of the rows of the first axis from `begin` up to but not including `end`, in memory of their own unless some is given. */
export function readTensorRows(file: BinaryFile, place: TensorPlace, begin: number, end: number, buffer?: GiveMemory): Uint8Array {
  const rowBytes = (place.end - place.begin) / (place.shape[0] ?? 1);
  const offset = place.begin + begin * rowBytes;
  const length = (end - begin) * rowBytes;
  return buffer ? file.readInto(buffer(length), offset) : file.read(offset, length);
}
