/** Adapters that become one, or part of the base's weights. */
import { castModel } from '../../nn';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { checkOneOf } from '../../runtime/checks/checkValues';
import { warn } from '../../runtime/messages/warn';
import { AdapterSet, type NamedModule } from '../adapterSet';
import type { WeightedAdapterOptions } from '../lora/combine/combineAdapters';

/** How adapters are merged. */
export interface MergeOptions {
  /** @defaultValue the active adapters */
  readonly adapterNames?: readonly string[];
  /** Whether to refuse weights that are not finite, before anything is changed. @defaultValue false */
  readonly safeMerge?: boolean;
  /** Told how many layers are merged, and of how many. */
  readonly onProgress?: (layers: number, total: number) => void;
}

/** A model and its named adapters; those that change weights can be combined and merged. */
export class MergeableAdapters<M extends NamedModule = NamedModule> extends AdapterSet<M> {
  /**
   * Adds an adapter made of others, as {@link WeightedAdapterOptions} says. It does not act before
   * {@link setAdapter} activates it.
   *
   * @throws ArgumentError when the adapters do not go together that way, UnsupportedError for other adapters than plain LoRA,
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
   * Merges adapters into the base weights, so that they cost nothing in a forward; merging twice warns and does nothing.
   *
   * A quantised base is dequantised layer by layer, since that is what the adapters were trained on, and the sum is rounded to
   * its format again: `mergeReport` tells how much of an update that costs, and `mergeAndUnload({ dtype })` avoids it.
   *
   * @param options - `adapterNames`, by default the active ones; `safeMerge` to check the result first
   * @throws UnsupportedError for adapters that no weight can hold, such as prefixes; NotFiniteError with `safeMerge` when a merged
   * weight is not finite everywhere, every weight then being as it was.
   */
  mergeAdapter(options: MergeOptions = {}): void {
    checkKnown('mergeAdapter', options, ['adapterNames', 'safeMerge', 'onProgress']);
    const { adapterNames = this.activeAdapters, safeMerge = false, onProgress } = options;
    for (const name of adapterNames) this.adapter(name);
    const merging = this.ability('merging');
    if (this.mergedAdapters.length > 0) warn(`already merged: ${this.mergedAdapters.join(', ')}; call unmergeAdapter() to merge anew`);
    else merging.merge(adapterNames, { safeMerge, onProgress });
  }

  /** Puts the base weights back, bit by bit as they were before {@link mergeAdapter}. */
  unmergeAdapter(): void {
    const merging = this.ability('merging');
    if (this.mergedAdapters.length > 0) merging.unmerge();
    else warn('nothing is merged: unmergeAdapter() does nothing');
  }

  /**
   * Merges the adapters, takes every wrapper off, and gives the plain model, with the active adapter's copies of
   * `modulesToSave`; this PeftModel then refuses every call.
   *
   * @param options - as {@link mergeAdapter}; `dtype` says how the plain model keeps its weights. A quantised base is then
   * dequantised before the merge, so that the sum is not rounded to few bits again. @defaultValue `dtype`: as the base is kept
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
