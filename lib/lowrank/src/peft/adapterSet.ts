/** The adapters of a model: adding, loading, saving, activating and deleting them. */
import { Module } from '../nn';
import { ArgumentError, StateError, type tf } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import { checkOneOf } from '../runtime/checks/checkValues';
import { atPlace } from '../runtime/messages/atPlace';
import { warn } from '../runtime/messages/warn';
import { type AdapterLoadOptions, type AdapterOptions, type AdapterSaveOptions, checkLoadOptions } from './adapterOptions';
import { checkFree, claim, isOwnedByAnother, release } from './adapterOwner';
import { onBase } from './config/adapterConfig';
import { assignTensors, readTensors } from './files/adapterTensors';
import { type AdapterFolder, openAdapterFolder } from './files/openAdapterFolder';
import { saveAdapters } from './files/saveAdapters';
import { hotswap } from './hotswap';
import { BASE_ROW } from './layers/adapterPerRow';
import type { AdapterState } from './layers/adapterState';
import { assignStoredLayers, EmbeddingLayers } from './layers/embeddingLayers';
import { checkAble, methodOf, type PeftConfig, type PeftType } from './methods';
import type { Abilities, Ability, AdapterStart, AdapterTensor, Tuner } from './tuner';

interface Adapter {
  readonly config: PeftConfig;
  /** Whether its file contained the base's embedding or output layer although it targets neither. */
  readonly hasBaseLayers?: boolean;
  readonly isTrainable: boolean;
}

/** A model that may tell its origin, and whether its vocabulary was resized. */
export type NamedModule = Module & { readonly nameOrPath?: string; readonly isResized?: boolean };

/** A model and its named adapters, all of one method. While it has adapters, no other owner may put adapters on the model. */
export class AdapterSet<M extends NamedModule = NamedModule> extends Module {
  readonly peftType: PeftType;
  readonly #model: M;
  readonly #tuner: Tuner<PeftConfig>;
  readonly #adapters = new Map<string, Adapter>();
  /** The call that ended its use. */
  #endedBy: string | undefined;

  /** @throws StateError when another owner has adapters on the model. */
  constructor(model: M, peftType: PeftType) {
    super();
    checkFree(model, this);
    this.#model = model;
    this.peftType = peftType;
    const { Tuner } = methodOf(peftType);
    this.#tuner = new Tuner(model);
  }

  /** The model under the adapters. @throws StateError after `unload()` or `dispose()`, like every other member. */
  get model(): M {
    this.#checkUsable();
    return this.#model;
  }

  /** The state that the adapted layers share. */
  protected get state(): AdapterState {
    return this.tuner.state;
  }

  private get tuner(): Tuner<PeftConfig> {
    this.#checkUsable();
    return this.#tuner;
  }

  private get adapters(): Map<string, Adapter> {
    this.#checkUsable();
    return this.#adapters;
  }

  /** The adapters' configurations, by name. */
  get peftConfig(): Readonly<Record<string, PeftConfig>> {
    return Object.fromEntries(Array.from(this.adapters, ([name, { config }]) => [name, config]));
  }

  /** The active adapters, in order. */
  get activeAdapters(): readonly string[] {
    return this.state.activeAdapters;
  }

  /** The tensors of an adapter in its file, by the file's names without the prefix `base_model.model.`. */
  adapterTensors(name: string): ReadonlyMap<string, AdapterTensor> {
    this.adapter(name);
    return this.tuner.tensors(name);
  }

  /** The seeds of the active adapters' dropout masks, by adapter and layer; `train` saves them, and a resumed run restores them. */
  dropoutSeeds(): ReadonlyMap<string, tf.Variable> {
    const seedsOf = (name: string) =>
      Array.from(this.tuner.dropoutSeeds?.(name) ?? [], ([path, seed]) => [`${name}.${path}`, seed] as const);
    return new Map(this.activeAdapters.flatMap(seedsOf));
  }

  /** The model's parts have PEFT's paths: `base_model.model.` and the model's own path. */
  override *namedChildren(): IterableIterator<[string, Module]> {
    yield ['base_model.model', this.model];
  }

  /** The layers show which adapters are active: only their structures count. */
  override *compiledFields(): IterableIterator<readonly [string, unknown]> {
    yield* super.compiledFields();
    yield ['model', this.model];
    yield* this.state.trainingFields();
  }

  /**
   * Adds an adapter, which is neither active nor trained until {@link setAdapter} activates it.
   *
   * @throws StateError when the name is taken; ArgumentError when the configuration does not fit the model, or belongs to another method
   * than its adapters. Nothing is changed then.
   */
  addAdapter(name: string, config: PeftConfig, options: AdapterOptions = {}): void {
    checkKnown('addAdapter', options, ['seed', 'isTrainable']);
    const { seed = 0, isTrainable = true } = options;
    this.put(name, config, { start: { seed }, isTrainable });
  }

  /**
   * Loads an adapter that PEFT or {@link savePretrained} wrote; it is inactive until {@link setAdapter} activates it. Values of 16 bits are
   * widened to 32.
   *
   * A file that PEFT wrote after a resize, or of an adapter that targets the embedding or the output layer, contains these whole. As in
   * PEFT, they replace the model's values, and the model must have the same number of tokens: call `resizeTokenEmbeddings` first. A packed
   * table does not change.
   *
   * @throws FormatError when a file is missing or malformed, or its tensors are not those of the configuration on this model: the error
   * lists them; UnsupportedError for a method that this library lacks; StateError when the name is taken. Model and earlier adapters are
   * then unchanged.
   */
  loadAdapter(folder: string, options: AdapterLoadOptions = {}): void {
    checkLoadOptions('loadAdapter', options);
    atPlace(folder, () => this.load(openAdapterFolder(folder), options));
  }

  /**
   * Writes every adapter as PEFT does: `adapter_config.json`, `adapter_model.safetensors` and a model card. Adapters with another name than
   * `default` go into a sub-folder of that name. Files appear complete or not at all.
   *
   * An adapter with a PiSSA or OLoRA start is saved unchanged: it belongs to the residual that these starts leave in the base, and loading
   * it computes that residual again.
   *
   * @throws StorageError when the disk refuses; StateError when a weight of the base must be saved and adapters are merged.
   */
  savePretrained(folder: string, options: AdapterSaveOptions = {}): void {
    checkKnown('savePretrained', options, ['selectedAdapters', 'saveEmbeddingLayers']);
    const { selectedAdapters, saveEmbeddingLayers: save = 'auto' } = options;
    checkOneOf('saveEmbeddingLayers', save, ['auto', true, false]);
    const layers = new EmbeddingLayers(this.model);
    const names = selectedAdapters ?? [...this.adapters.keys()];
    const isMerged = this.mergedAdapters.length > 0;
    const contents = names.map((name) => {
      const { config, hasBaseLayers = false } = this.adapter(name);
      const own = this.tuner.tensors(name);
      const isResized = this.model.isResized === true || hasBaseLayers;
      const tensors = new Map([...own, ...layers.tensors(own, { save, isResized })]);
      return { name, config: onBase(config, this.model.nameOrPath), tensors };
    });
    if (isMerged && contents.some(({ tensors }) => [...tensors.values()].some(({ isBase }) => isBase))) {
      throw new StateError(
        'these adapters are saved with weights of the base, into which adapters are merged; call unmergeAdapter() first',
      );
    }
    saveAdapters(folder, contents);
  }

  /**
   * Replaces the values of a loaded adapter by those of another, in the same variables: compiled functions stay valid, and nothing is
   * traced or compiled again.
   *
   * The scale is a constant of compiled code, so a difference in `α/r` goes into B: `B ← B·s_new/s_old`. A smaller rank is padded with
   * zeros, and layers that the new adapter lacks get a zero update. Name and configuration do not change.
   *
   * @param source - an adapter's folder, or tensors with the names and in the layout of PEFT's files
   * @throws ArgumentError when the new adapter is larger or of another kind; FormatError when its files are malformed; StateError when
   * adapters are merged. Nothing is changed then.
   */
  hotswapAdapter(source: string | tf.NamedTensorMap, options: { readonly adapterName?: string } = {}): void {
    checkKnown('hotswapAdapter', options, ['adapterName']);
    const { adapterName = 'default' } = options;
    const { config } = this.adapter(adapterName);
    if (this.mergedAdapters.length > 0) throw new StateError('adapters are merged; call unmergeAdapter() before swapping one');
    hotswap(
      { tuner: this.tuner, swapping: this.ability('swapping'), layers: new EmbeddingLayers(this.model) },
      { name: adapterName, config },
      source,
    );
  }

  /**
   * Activates one adapter, or several whose updates add up if the method supports it.
   *
   * @throws StateError for an unknown name; ArgumentError when a name appears twice.
   */
  setAdapter(names: string | readonly string[]): void {
    const active = [names].flat();
    for (const name of active) this.adapter(name);
    if (new Set(active).size < active.length) throw new ArgumentError(`an adapter is named twice: ${active.join(', ')}`);
    this.tuner.activate(
      active,
      active.filter((name) => this.adapter(name).isTrainable),
    );
  }

  /**
   * Removes an adapter and frees it; if it was active, the first remaining adapter becomes active.
   *
   * @throws StateError for an unknown name, or when adapters are merged.
   */
  deleteAdapter(name: string): void {
    this.adapter(name);
    if (this.mergedAdapters.length > 0) throw new StateError('adapters are merged; call unmergeAdapter() before deleting one');
    const left = this.activeAdapters.filter((active) => active !== name);
    this.warnOfBase([name]);
    this.tuner.remove(name);
    this.adapters.delete(name);
    if (this.adapters.size === 0) release(this.model);
    this.setAdapter(left.length > 0 ? left : [...this.adapters.keys()].slice(0, 1));
  }

  /** The adapters that are merged into the base weights. */
  get mergedAdapters(): readonly string[] {
    return this.tuner.merging?.mergedAdapters() ?? [];
  }

  /**
   * Removes the adapters without merging them, and returns the base model; this PeftModel then refuses every call. As in PEFT, trained biases
   * and the residual of PiSSA and OLoRA stay in the base, and a warning says so.
   */
  unload(): M {
    this.warnOfBase(this.adapters.keys());
    return this.takeOff('unload()', { keepsMerged: false });
  }

  /** Frees the adapters and the model; after `unload()`, or a second time, it does nothing. */
  override dispose(): void {
    if (this.#endedBy !== undefined) return;
    this.#tuner.dispose();
    this.#tuner.state.dispose();
    super.dispose();
    this.#endedBy = 'dispose()';
  }

  /** Adds an opened adapter, and assigns its values. */
  protected load({ config, tensors }: AdapterFolder, { adapterName = 'default', isTrainable = false }: AdapterLoadOptions): void {
    this.checkNew(adapterName);
    this.checkMethod(config);
    const layers = new EmbeddingLayers(this.model);
    layers.checkVocabulary(tensors);
    const expected = this.tuner.expectedTensors(config);
    const values = readTensors(tensors, layers.expectedTensors(expected));
    const base = layers.read(tensors.origin, values, expected);
    const others = [...this.adapters.keys()];
    this.put(adapterName, config, { start: 'empty', isTrainable, hasBaseLayers: base.some(({ isTarget }) => !isTarget) });
    assignTensors(this.tuner.tensors(adapterName), values);
    if (assignStoredLayers(base) && others.length > 0) {
      warn(
        `the file of '${adapterName}' holds another embedding or output layer; it takes the model's place under ${others.join(', ')} too`,
      );
    }
  }

  /** Disables the adapters, or enables them again. */
  protected setEnabled(isEnabled: boolean): void {
    this.tuner.setEnabled(isEnabled);
  }

  /** Removes every wrapper from the model; `call` names the call that ends the use of this PeftModel. */
  protected takeOff(call: string, options: { readonly keepsMerged: boolean }): M {
    const { model } = this;
    this.tuner.unload(options);
    this.adapters.clear();
    this.state.dispose();
    release(model);
    this.#endedBy = call;
    return model;
  }

  protected adapter(name: string): Adapter {
    const adapter = this.adapters.get(name);
    if (adapter) return adapter;
    throw new StateError(`there is no adapter '${name}'; there is ${[...this.adapters.keys()].join(', ') || 'none'}`);
  }

  /** @throws UnsupportedError, with the method's reason, when these adapters lack this ability. */
  protected ability<A extends Ability>(name: A): Abilities<PeftConfig>[A] {
    checkAble(this.peftType, name);
    return this.tuner[name] as Abilities<PeftConfig>[A];
  }

  /** Warns of what these adapters leave in the base when they do not act. */
  protected warnOfBase(names: Iterable<string>): void {
    for (const name of names) {
      const left = this.tuner.leftInBase(name);
      if (left !== undefined) warn(`'${name}' leaves ${left} in the base, which is not the model that was loaded`);
    }
  }

  protected put(name: string, config: PeftConfig, { start, ...options }: { readonly start: AdapterStart } & Omit<Adapter, 'config'>): void {
    this.checkNew(name);
    checkOneOf('isTrainable', options.isTrainable, [true, false]);
    this.checkMethod(config);
    this.adapters.set(name, { config: this.tuner.add(name, config, start), ...options });
    if (this.adapters.size === 1) claim(this.model, this);
    this.setAdapter(this.activeAdapters);
  }

  /** @throws ArgumentError when the configuration belongs to another method than the present adapters. */
  private checkMethod({ peftType }: PeftConfig): void {
    if (peftType === this.peftType) return;
    throw new ArgumentError(`this model has ${methodOf(this.peftType).name} adapters, to which ${peftType} cannot be added`);
  }

  /** A name is part of a path, in the model and on the disk. */
  protected checkNew(name: string): void {
    if (typeof name !== 'string' || !/^[\w-]{1,100}$/.test(name) || name === BASE_ROW) {
      const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 120)) : `${name} (${typeof name})`;
      throw new ArgumentError(`adapter name ${shown} is not a text of 1 to 100 letters, digits, _ and -, other than ${BASE_ROW}`);
    }
    if (this.adapters.has(name)) throw new StateError(`there is an adapter '${name}' already; delete it first, or take another name`);
    if (this.adapters.size === 0) checkFree(this.model, this);
    if (this.mergedAdapters.length > 0) throw new StateError('adapters are merged; call unmergeAdapter() before adding one');
  }

  /** @throws StateError when this PeftModel has released its model. */
  #checkUsable(): void {
    if (this.#endedBy !== undefined) {
      const remedy = this.#endedBy === 'dispose()' ? 'load the model again' : 'use the model that it returned, or wrap that model again';
      throw new StateError(`this PeftModel is of no use after ${this.#endedBy}: ${remedy}`);
    }
    if (isOwnedByAnother(this.#model, this)) {
      throw new StateError('this PeftModel has no adapter left, and another one now has adapters on its model: use that one');
    }
  }
}
