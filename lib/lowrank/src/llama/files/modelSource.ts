/** What a model on disk looks like to the loader, whichever its format. */
import type { Dtype, GgmlType } from '../../io';
import { ArgumentError, FormatError, UnsupportedError } from '../../runtime';
import { type LlamaConfig, type LlamaConfigOptions, llamaConfig } from '../config';

/** A tensor of a model file in Hugging Face's layout: a projection's weight is [out, in], q and k pair i with i + D/2. */
export interface ModelTensor {
  readonly shape: readonly number[];
  /** The number format in which the file has it. */
  readonly format: Dtype | GgmlType;
  /**
   * Some rows of the first axis as 32-bit floats, `begin` up to but not including `end`.
   *
   * @param out is filled and given back. @defaultValue a new array
   */
  read(begin: number, end: number, out?: Float32Array): Float32Array;
  /** The same rows as they are stored. */
  readStored(begin: number, end: number): Uint8Array;
}

/** An open model: its headers in memory, its tensors on disk. */
export interface ModelFiles {
  readonly path: string;
  readonly config: LlamaConfig;
  /** The tensors that a model can have, by Hugging Face's names; constants that a model makes itself are left out. */
  readonly names: readonly string[];
  /** The tensor of this name, unread; undefined when there is none. */
  tensor(name: string): ModelTensor | undefined;
}

/** Gives the same memory again and again, for bytes that are converted at once: garbage would add to the peak of loading. */
export function reusedBuffer(): (length: number) => Uint8Array {
  let buffer = new Uint8Array();
  return (length) => {
    if (buffer.length < length) buffer = new Uint8Array(length);
    return buffer.subarray(0, length);
  };
}

/**
 * Checks a configuration that came from a file.
 *
 * @throws FormatError naming the file and the first field that is out of range.
 */
export function configOfFile(path: string, options: LlamaConfigOptions): LlamaConfig {
  try {
    return llamaConfig(options);
  } catch (cause) {
    if (cause instanceof ArgumentError) throw new FormatError(`${path}: ${cause.message}`, { cause });
    throw cause;
  }
}

/**
 * Checks that no layer sees fewer tokens than a text can have: all layers of this library see all tokens before them.
 *
 * @param window - how many tokens the most short-sighted layer sees; undefined for all
 * @throws UnsupportedError that names the window, and up to which length texts can be computed.
 */
export function checkWindow(path: string, window: number | undefined, maxPositionEmbeddings: number): void {
  if (window === undefined || window >= maxPositionEmbeddings) return;
  const remedy = `texts of at most ${window} tokens are not affected: to read only such, lower the ${maxPositionEmbeddings} positions to that`;
  throw new UnsupportedError(`${path}: layers that see only the last ${window} tokens (a sliding window) are not computed here; ${remedy}`);
}
