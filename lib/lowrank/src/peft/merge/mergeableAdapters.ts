/** Combines adapters, and merges them into the base's weights. */
import { castModel } from '../../nn';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkOneOf } from '../../runtime/checks/checkValues';
import { warn } from '../../runtime/messages/warn';
import { AdapterSet, type NamedModule } from '../adapterSet';
import type { WeightedAdapterOptions } from '../lora/combine/combineAdapters';

/** The options of merging. */
export interface MergeOptions {
  /** @defaultValue the active adapters */
  readonly adapterNames?: readonly string[];
  /** Whether to refuse merged weights with NaN or infinity before anything is changed. @defaultValue false */
  readonly safeMerge?: boolean;
  /** Called with the number of merged layers and of all layers. */
  readonly onProgress?: (layers: number, total: number) => void;
}

/** A model and its named adapters; those that change weights can be combined and merged. */
export class MergeableAdapters<M extends NamedModule = NamedModule> extends AdapterSet<M> {
  /**
   * Adds a combination of adapters; see {@link WeightedAdapterOptions}. It is inactive until {@link setAdapter} activates it.
   *
   * @throws ArgumentError when the adapters cannot be combined in that manner; UnsupportedError for adapters other than plain LoRA;
   * StateError when the new name is taken. Nothing is changed then.
   */
  addWeightedAdapter(options: WeightedAdapterOptions & { readonly adapterName: string }): void {
    checkKnown('addWeightedAdapter', options, [
      'adapters',
      'weights',
      'combinationType',
      'svdRank',
      'density',
      'majoritySignMethod',
      'seed',
      'adapterName',
    ]);
    const { adapterName, ...combination } = options;
    const combining = this.ability('combining');
    const configs = new Map(combination.adapters.map((name) => [name, this.adapter(name).config]));
    this.checkNew(adapterName);
    const { config, assign } = combining.combine(configs, combination);
    this.put(adapterName, config, { start: 'empty', isTrainable: true });
    assign(adapterName);
  }

  /**
   * Merges adapters into the base weights: they then cost nothing in a forward pass. Merging twice warns and does nothing.
   *
   * A quantised base is dequantised layer by layer, because the adapters were trained on these values, and the sum is rounded to its format
   * again. `mergeReport` measures the error, and `mergeAndUnload({ dtype })` avoids it.
   *
   * @param options - `adapterNames`, by default the active ones; `safeMerge` to check the result first
   * @throws UnsupportedError for adapters that cannot be merged, such as prefixes; NotFiniteError with `safeMerge` when a merged weight
   * contains NaN or infinity. Every weight is unchanged then.
   */
  mergeAdapter(options: MergeOptions = {}): void {
    checkKnown('mergeAdapter', options, ['adapterNames', 'safeMerge', 'onProgress']);
    const { adapterNames = this.activeAdapters, safeMerge = false, onProgress } = options;
    for (const name of adapterNames) this.adapter(name);
    const merging = this.ability('merging');
    if (this.mergedAdapters.length > 0)
      warn(`already merged: ${this.mergedAdapters.join(', ')}; call unmergeAdapter() before merging again`);
    else merging.merge(adapterNames, { safeMerge, onProgress });
  }

  /** Restores the base weights, bit by bit as before {@link mergeAdapter}. */
  unmergeAdapter(): void {
    const merging = this.ability('merging');
    if (this.mergedAdapters.length > 0) merging.unmerge();
    else warn('nothing is merged: unmergeAdapter() does nothing');
  }

  /**
   * Merges the adapters, removes every wrapper, and returns the plain model with the active adapter's copies of `modulesToSave`; this
   * PeftModel then refuses every call.
   *
   * @param options - as {@link mergeAdapter}; `dtype` is the storage of the plain model's weights. A quantised base is then dequantised
   * before the merge, and the sum is not rounded to few bits again. @defaultValue `dtype`: the storage of the base
   */
  mergeAndUnload({ dtype, safeMerge = false, onProgress, ...options }: MergeOptions & { readonly dtype?: 'float32' | 'bfloat16' } = {}): M {
    checkKnown('mergeAndUnload', options, ['adapterNames']);
    if (dtype !== undefined) checkOneOf('dtype', dtype, ['float32', 'bfloat16']);
    const isMerged = this.mergedAdapters.length > 0;
    const adapterNames = isMerged ? this.mergedAdapters : (options.adapterNames ?? this.activeAdapters);
    if (!isMerged && (safeMerge || !dtype)) this.mergeAdapter({ adapterNames, safeMerge, onProgress });
    if (dtype) {
      if (this.mergedAdapters.length > 0) this.unmergeAdapter();
      castModel(this.model, 'float32');
      this.mergeAdapter({ adapterNames, onProgress });
    }
    const model = this.takeOff('mergeAndUnload()', { keepsMerged: true });
    if (dtype === 'bfloat16') castModel(model, dtype);
    return model;
  }
}
