/** The interface that every method of adaptation implements. */
import type { tf } from '../runtime';
import type { AdapterConfig } from './config/adapterConfig';
import type { AdapterState } from './layers/adapterState';

/** The layout of a tensor in a file: unchanged, with swapped axes, or with a leading or a trailing axis of length 1. */
export type TensorLayout = 'same' | 'transposed' | 'batched' | 'column';

/** A tensor of an adapter in its file. */
export interface AdapterTensor {
  readonly variable: tf.Variable;
  readonly layout: TensorLayout;
  /** True for a weight of the base in the file. */
  readonly isBase?: boolean;
}

/** The tensor that a file must contain under a name. */
export interface ExpectedTensor {
  /** In the file's layout. */
  readonly shape: readonly number[];
  /** True for a tensor that some files of PEFT lack. */
  readonly isOptional?: boolean;
}

/** The start of a new adapter: random values from a seed, or zeros for the values of a file. */
export type AdapterStart = { readonly seed: number } | 'empty';

/** A change of an adapter in the base itself. */
export interface LeftInBase {
  /** In words. */
  readonly what: string;
  /** The biases, if it is these: an adapter that stores them does not depend on those that were there before. */
  readonly biases?: readonly tf.Variable[];
}

/** Puts adapters of one method on a model and removes them again. */
export interface Tuner<C extends AdapterConfig = AdapterConfig> extends Partial<Abilities<C>> {
  /** The state that the adapted layers share; the tuner owns it and passes it to them. */
  readonly state: AdapterState;
  /**
   * Adds an adapter, inactive and untrained until it is activated. On an error, nothing is added.
   *
   * @returns the configuration, with shorthands replaced by the model's own names.
   * @throws ArgumentError when the configuration does not fit the model.
   */
  add(name: string, config: C, start: AdapterStart): C;
  /** Removes an adapter from the model and frees it. */
  remove(name: string): void;
  /**
   * Makes exactly `names` active and exactly `trainable` trainable.
   *
   * @throws ArgumentError when they cannot be active together; nothing is changed then.
   */
  activate(names: readonly string[], trainable: readonly string[]): void;
  /** Makes exactly `names` act, or none while they are disabled; what is trained stays. They were active together before. */
  act(names: readonly string[], isEnabled: boolean): void;
  /** The seeds of an adapter's dropout masks, by layer. */
  dropoutSeeds?(name: string): Iterable<readonly [string, tf.Variable]>;
  /** An adapter's changes in the base itself, which stay while it is disabled and when it is removed. */
  leftInBase(name: string): LeftInBase[];
  /**
   * The tensors of the adapter in its file, by the file's name without the prefix `base_model.model.`. A name that begins with
   * `base_model.` is the file's whole name.
   */
  tensors(name: string): Map<string, AdapterTensor>;
  /** The tensors in the file of an adapter with this configuration. @throws ArgumentError when it does not fit the model. */
  expectedTensors(config: C): Map<string, ExpectedTensor>;
  /** Removes every adapter; merged weights, and with `keepsMerged` the copies of `modulesToSave`, stay in the model. */
  unload(options: { readonly keepsMerged: boolean }): void;
  /** Frees everything that the model itself does not own. */
  dispose(): void;
}

/** The abilities that some methods lack, with their words in errors. */
export const ABILITIES = {
  merging: 'merged',
  combining: 'combined',
  mixing: 'mixed in one batch',
  swapping: 'swapped in place',
} as const satisfies Readonly<Record<keyof Abilities, string>>;

/** The name of a member that a tuner may lack. */
export type Ability = keyof Abilities;

/** The members of a tuner for further abilities; its method states the reason for each one that it lacks. */
export interface Abilities<C extends AdapterConfig = AdapterConfig> {
  readonly merging: Merging;
  readonly combining: Combining<C>;
  /** The layers apply to each row of a batch its own adapter, named in `AdapterState.rowAdapters`. */
  readonly mixing: true;
  readonly swapping: Swapping<C>;
}

/** Merges adapters into the base weights, and unmerges them. */
export interface Merging {
  mergedAdapters(): string[];
  /**
   * Merges these adapters into the base weights; on an error, all weights are unchanged.
   *
   * @throws NotFiniteError with `safeMerge` when a merged weight contains NaN or infinity.
   */
  merge(names: readonly string[], options: MergingOptions): void;
  /** Restores the base weights, bit by bit. */
  unmerge(): void;
}

export interface MergingOptions {
  /** Whether to refuse merged weights with NaN or infinity. */
  readonly safeMerge: boolean;
  /** Called with the number of merged layers and of all layers. */
  readonly onProgress?: (layers: number, total: number) => void;
}

/** Combines several adapters into one. */
export interface Combining<C extends AdapterConfig> {
  /** The new adapter's configuration, and a function that assigns its values once it is added. Nothing is changed yet. */
  combine(configs: ReadonlyMap<string, C>, options: CombinationOptions): { readonly config: C; assign(name: string): void };
}

/** The adapters to combine. */
export interface CombinationOptions {
  readonly adapters: readonly string[];
  /** One per adapter; a negative weight subtracts an adapter's update. */
  readonly weights: readonly number[];
}

/** Replaces an adapter's values in place. */
export interface Swapping<C extends AdapterConfig> {
  /** A text that must be equal for both adapters, for errors. */
  kindOf(config: C): string;
  /** The factor for each tensor of the new adapter, by its name in the file, that keeps its effect in place of the old one. */
  scaleRatios(name: string, next: C): (key: string) => number;
}
