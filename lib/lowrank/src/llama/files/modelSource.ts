/** The interface of a model on disk, the same for every file format. */
import type { Dtype, GgmlType } from '../../io';
import { ArgumentError, FormatError, UnsupportedError } from '../../runtime';
import { type LlamaConfig, type LlamaConfigOptions, llamaConfig } from '../config';

/** A tensor of a model file in Hugging Face's layout: a projection's weight is [out, in]; q and k pair i with i + D/2. */
export interface ModelTensor {
  readonly shape: readonly number[];
  /** Its number format in the file. */
  readonly format: Dtype | GgmlType;
  /**
   * The rows from `begin` up to but not including `end`, along the first axis, as 32-bit floats.
   *
   * @param out receives the values and is returned. @defaultValue a new array
   */
  read(begin: number, end: number, out?: Float32Array): Float32Array;
  /** The same rows as stored. */
  readStored(begin: number, end: number): Uint8Array;
}

/** An open model, with its headers in memory and its tensors on disk. */
export interface ModelFiles {
  readonly path: string;
  readonly config: LlamaConfig;
  /** The tensors that a model can have, by Hugging Face's names, without constants that a model computes itself. */
  readonly names: readonly string[];
  /** The tensor with this name, not yet read; undefined when there is none. */
  tensor(name: string): ModelTensor | undefined;
}

/** Returns the same memory on every call, for bytes that are converted at once; garbage would raise the peak of loading. */
export function reusedBuffer(): (length: number) => Uint8Array {
  let buffer = new Uint8Array();
  return (length) => {
    if (buffer.length < length) buffer = new Uint8Array(length);
    return buffer.subarray(0, length);
  };
}

/** Checks a configuration from a file. @throws FormatError with the file and the first field that is out of range. */
export function configOfFile(path: string, options: LlamaConfigOptions): LlamaConfig {
  try {
    return llamaConfig(options);
  } catch (cause) {
    if (cause instanceof ArgumentError) throw new FormatError(`${path}: ${cause.message}`, { cause });
    throw cause;
  }
}

/**
 * Checks that every layer can attend to a whole text, because all layers of this library attend to all earlier tokens.
 *
 * @param window - the smallest window of any layer, in tokens; undefined for none
 * @throws UnsupportedError with the window, and the length up to which texts are computed correctly.
 */
export function checkWindow(path: string, window: number | undefined, maxPositionEmbeddings: number): void {
  if (window === undefined || window >= maxPositionEmbeddings) return;
  const remedy = `texts of at most ${window} tokens are not affected: to read only such, lower the ${maxPositionEmbeddings} positions to that`;
  throw new UnsupportedError(`${path}: layers that see only the last ${window} tokens (a sliding window) are not computed here; ${remedy}`);
}
