/** The interface that every method of adaptation implements. */
import type { tf } from '../runtime';
import type { AdapterConfig } from './adapterConfig';
import type { AdapterState } from './layers/adapterState';

/** How a file lays a tensor out: as it is, its two axes swapped, or with a leading or a trailing axis of length 1. */
export type TensorLayout = 'same' | 'transposed' | 'batched' | 'column';

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

/** Puts adapters of one method on a model and takes them off again. */
export interface Tuner<C extends AdapterConfig = AdapterConfig> extends Partial<Abilities<C>> {
  /** What the layers of the model share; the tuner owns it and hands it to them. */
  readonly state: AdapterState;
  /**
   * Adds an adapter; it neither acts nor trains until it is activated. Either all of it is added or, on an error, nothing.
   *
   * @returns the configuration, with what stands for the model's own names spelled out.
   * @throws ArgumentError when the configuration does not fit the model.
   */
  add(name: string, config: C, start: AdapterStart): C;
  /** Takes an adapter off the model and frees it. */
  remove(name: string): void;
  /**
   * Makes exactly `names` active and exactly `trainable` trainable.
   *
   * @throws ArgumentError when they cannot act together; nothing is changed then.
   */
  activate(names: readonly string[], trainable: readonly string[]): void;
  /** Makes the model its base, or adapted again. */
  setEnabled(isEnabled: boolean): void;
  /** True when an adapter trains parameters of the base itself, which stay as they are while it is disabled. */
  changesBase(name: string): boolean;
  /**
   * What the adapter's file holds of the adapter itself, by the file's name without its `base_model.model.` prefix. A name that
   * begins with `base_model.` is the file's as it is.
   */
  tensors(name: string): Map<string, AdapterTensor>;
  /** What the file of an adapter of this configuration holds. @throws ArgumentError when it does not fit the model. */
  expectedTensors(config: C): Map<string, ExpectedTensor>;
  /** Takes every adapter off; what is merged, and the copies of `modulesToSave` when `keepsMerged`, stay in the model. */
  unload(options: { readonly keepsMerged: boolean }): void;
  /** Frees what the model itself does not hold. */
  dispose(): void;
}

/** What not every method can do, and what an adapter that cannot is told that it cannot be. */
export const ABILITIES = {
  merging: 'merged',
  combining: 'combined',
  mixing: 'mixed in one batch',
  swapping: 'swapped in place',
} as const satisfies Readonly<Record<keyof Abilities, string>>;

/** The name of a member that a tuner may lack. */
export type Ability = keyof Abilities;

/** The members that a tuner has where its method can do more; for each one that it lacks, its method tells the reason. */
export interface Abilities<C extends AdapterConfig = AdapterConfig> {
  readonly merging: Merging;
  readonly combining: Combining<C>;
  /** Says that the layers take each row of a batch through its own adapter, as `AdapterState.rowAdapters` names them. */
  readonly mixing: true;
  readonly swapping: Swapping<C>;
}

/** Adding adapters into the base weights, and taking them out again. */
export interface Merging {
  /** The adapters that are merged now. */
  mergedAdapters(): string[];
  /**
   * Merges these adapters into the base weights; on an error all of these are as they were.
   *
   * @throws NotFiniteError with `safeMerge` when a merged weight is not finite everywhere.
   */
  merge(names: readonly string[], options: MergingOptions): void;
  /** Puts the base weights back, bit by bit. */
  unmerge(): void;
}

/** How adapters are merged. */
export interface MergingOptions {
  /** Whether to refuse weights that are not finite. */
  readonly safeMerge: boolean;
  /** Told how many layers are merged, and of how many. */
  readonly onProgress?: (layers: number, total: number) => void;
}

/** Making one adapter of several. */
export interface Combining<C extends AdapterConfig> {
  /** The new adapter's configuration, and what gives it its values once it was added. Nothing is changed yet. */
  combine(configs: ReadonlyMap<string, C>, options: CombinationOptions): { readonly config: C; assign(name: string): void };
}

/** Which adapters to combine. */
export interface CombinationOptions {
  readonly adapters: readonly string[];
  /** One per adapter; a negative one takes an adapter's update away. */
  readonly weights: readonly number[];
}

/** Exchanging an adapter's values in place. */
export interface Swapping<C extends AdapterConfig> {
  /** What two adapters must have in common: a text for errors, equal for both. */
  kindOf(config: C): string;
  /** What each tensor of the new adapter must be multiplied by, by its name in the file, to keep its effect in the old one's place. */
  scaleRatios(name: string, next: C): (key: string) => number;
}
