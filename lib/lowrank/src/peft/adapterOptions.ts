/** The options of adding, loading, saving and merging adapters. */
import { checkKnown } from '../runtime/checks/checkKnown';
import type { SaveEmbeddingLayers } from './layers/embeddingLayers';

/** The options of a new adapter. */
export interface AdapterOptions {
  /** Random seed of its initial values and dropout masks. @defaultValue 0 */
  readonly seed?: number;
  /** Whether it is trainable while it is active. @defaultValue true */
  readonly isTrainable?: boolean;
}

/** The options of loading. */
export interface AdapterLoadOptions {
  /** Its name in this model. @defaultValue 'default' */
  readonly adapterName?: string;
  /** Whether it is trainable while it is active. @defaultValue false */
  readonly isTrainable?: boolean;
}

/** The options of saving. */
export interface AdapterSaveOptions {
  /** @defaultValue all adapters */
  readonly selectedAdapters?: readonly string[];
  /**
   * Whether the file contains the base's embedding and output layer. `'auto'` saves those that an adapter targets, and both if the
   * vocabulary was resized or the adapter's own file contained them; PEFT's `save_embedding_layers`. @defaultValue 'auto'
   */
  readonly saveEmbeddingLayers?: SaveEmbeddingLayers;
}

/** The options of merging. */
export interface MergeOptions {
  /** @defaultValue the active adapters */
  readonly adapterNames?: readonly string[];
  /** Whether to refuse merged weights with NaN or infinity before anything is changed. @defaultValue false */
  readonly safeMerge?: boolean;
  /** Called with the number of merged layers and of all layers. */
  readonly onProgress?: (layers: number, total: number) => void;
}

/** @throws ArgumentError for an unknown option. */
export function checkLoadOptions(what: string, options: AdapterLoadOptions): void {
  checkKnown(what, options, ['adapterName', 'isTrainable'], { trainable: 'isTrainable', name: 'adapterName' });
}
