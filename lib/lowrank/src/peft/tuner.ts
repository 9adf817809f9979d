/** What a method of adaptation does to a model: LoRA's and the prefix's common face. */
import type { tf } from '../runtime';
import type { PeftConfig } from './peftConfig';

/** How a file lays a tensor out: as it is, its two axes swapped, or with a leading axis of length 1. */
export type TensorLayout = 'same' | 'transposed' | 'batched';

/** One tensor of an adapter, as its file knows it. */
export interface AdapterTensor {
  readonly variable: tf.Variable;
  readonly layout: TensorLayout;
  /** True for a weight of the base that the file carries along. */
  readonly isBase?: boolean;
}

/** What a file must hold under a name. */
export interface ExpectedTensor {
  /** In the file's layout. */
  readonly shape: readonly number[];
  /** True for what PEFT leaves out of some files. */
  readonly isOptional?: boolean;
}

/** How a new adapter begins: drawn from a seed, or with zeros where the values of a file will go. */
export type AdapterStart = { readonly seed: number } | 'empty';

/** Puts adapters of one kind on a model and takes them off again. */
export interface Tuner {
  /**
   * Adds an adapter; it neither acts nor trains until it is activated. Either all of it is added or, on an error, nothing.
   *
   * @returns the configuration, with what stands for the model's own names spelled out.
   * @throws ArgumentError when the configuration does not fit the model.
   */
  add(name: string, config: PeftConfig, start: AdapterStart): PeftConfig;
  /** Takes an adapter off the model and frees it. */
  remove(name: string): void;
  /**
   * Makes the first of these adapters, and no others, act, and the second ones, and no others, train.
   *
   * @throws ArgumentError when they cannot act together; nothing is changed then.
   */
  activate(names: readonly string[], trainable: readonly string[]): void;
  /** Makes the model its base, or adapted again. */
  setEnabled(isEnabled: boolean): void;
  /** What the adapter's file holds of the adapter itself, by the file's name without its `base_model.model.` prefix. */
  tensors(name: string): Map<string, AdapterTensor>;
  /** What the file of an adapter of this configuration holds. @throws ArgumentError when it does not fit the model. */
  expectedTensors(config: PeftConfig): Map<string, ExpectedTensor>;
  /** Takes every adapter off; what is merged, and the copies of `modulesToSave` when `keepsMerged`, stay in the model. */
  unload(options: { readonly keepsMerged: boolean }): void;
  /** Frees what the model itself does not hold. */
  dispose(): void;
}
