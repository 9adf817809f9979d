/** What a model on disk looks like to the loader, whichever its format. */
import type { Dtype, GgmlType } from '../io';
import type { LlamaConfigOptions } from './config';

/** A tensor of a model file in Hugging Face's layout: a projection's weight is [out, in], q and k pair i with i + D/2. */
export interface ModelTensor {
  readonly shape: readonly number[];
  /** The number format in which the file has it. */
  readonly format: Dtype | GgmlType;
  /** Some rows of the first axis as they are stored, `begin` up to but not including `end`. */
  readRows(begin: number, end: number): Uint8Array;
  /** The same rows as 32-bit floats. */
  rowsToFloat32(begin: number, end: number): Float32Array;
}

/** An open model: its headers in memory, its tensors on disk. */
export interface ModelFiles {
  readonly path: string;
  readonly config: LlamaConfigOptions;
  /** The tensors that a model can have, by Hugging Face's names; constants that a model makes itself are left out. */
  readonly names: readonly string[];
  /** The tensor of this name, unread; undefined when there is none. */
  tensor(name: string): ModelTensor | undefined;
}
