/** What a method of adaptation does to a model: LoRA's and the prefix's common face. */
import type { tf } from '../runtime';
import type { PeftConfig } from './config';

/** One tensor of an adapter, as its file knows it. */
export interface AdapterTensor {
  readonly variable: tf.Variable;
  /** How the file lays it out: as it is, its two axes swapped, or with a leading axis of length 1. */
  readonly layout: 'same' | 'transposed' | 'batched';
}

/** Puts adapters of one kind on a model and takes them off again. */
export interface Tuner {
  /**
   * Adds an adapter; it neither acts nor trains until it is activated. Either all of it is added or, on an error, nothing.
   *
   * @throws ArgumentError when the configuration does not fit the model.
   */
  add(name: string, config: PeftConfig, seed: number): void;
  /** Takes an adapter off the model and frees it. */
  remove(name: string): void;
  /** Makes the first of these adapters, and no others, act, and the second ones, and no others, train. */
  activate(names: readonly string[], trainable: readonly string[]): void;
  /** Makes the model its base, or adapted again. */
  setEnabled(isEnabled: boolean): void;
  /** Everything that the adapter's file holds, by the file's name without its `base_model.model.` prefix. */
  tensors(name: string): Map<string, AdapterTensor>;
  /** Frees what the model itself does not hold. */
  dispose(): void;
}
