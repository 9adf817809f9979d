/** Which adapters a model has, which of them act, and how they come and go. */
import { Module } from '../nn';
import { ArgumentError, StateError, type tf, UnsupportedError } from '../runtime';
import { AdapterState } from './adapterState';
import { AdaptionPromptTuner } from './adaptionPrompt/adaptionPromptTuner';
import type { PeftConfig } from './config';
import { assignTensors, readTensors } from './files/adapterTensors';
import { type AdapterFolder, openAdapterFolder } from './files/openAdapterFolder';
import { saveAdapters } from './files/saveAdapters';
import { hotswap } from './hotswap';
import { LoraTuner } from './lora/loraTuner';
import { BASE_ROW } from './lora/mixedRows';
import type { AdapterStart, AdapterTensor, Tuner } from './tuner';

/** How an adapter is added. */
export interface AdapterOptions {
  /** Seed of its initial values and of its dropout masks. @defaultValue 0 */
  readonly seed?: number;
  /** Whether it is trained while it is active. @defaultValue true */
  readonly isTrainable?: boolean;
}

/** How an adapter is loaded. */
export interface AdapterLoadOptions {
  /** What to call it here. @defaultValue 'default' */
  readonly adapterName?: string;
  /** Whether it is trained on while it is active. @defaultValue false */
  readonly isTrainable?: boolean;
}

interface Adapter {
  readonly config: PeftConfig;
  readonly isTrainable: boolean;
}

/** A model and its named adapters, all of one kind. */
export class AdapterSet<M extends Module = Module> extends Module {
  protected readonly state = new AdapterState([]);
  private readonly adapters = new Map<string, Adapter>();
  private readonly tuner: Tuner;

  constructor(
    readonly model: M,
    readonly peftType: PeftConfig['peftType'],
  ) {
    super();
    this.tuner = peftType === 'LORA' ? new LoraTuner(model, this.state) : new AdaptionPromptTuner(model);
  }

  /** The adapters' configurations, by name. */
  get peftConfig(): Readonly<Record<string, PeftConfig>> {
    return Object.fromEntries(Array.from(this.adapters, ([name, { config }]) => [name, config]));
  }

  get activeAdapters(): readonly string[] {
    return this.state.activeAdapters;
  }

  /** Everything that an adapter's file holds, by the file's names without their `base_model.model.` prefix. */
  adapterTensors(name: string): ReadonlyMap<string, AdapterTensor> {
    this.adapter(name);
    return this.tuner.tensors(name);
  }

  /** The model's parts go by PEFT's paths: `base_model.model.` and then the model's own. */
  override *namedChildren(): IterableIterator<[string, Module]> {
    yield ['base_model.model', this.model];
  }

  /**
   * Adds an adapter, which neither acts nor trains before {@link setAdapter} activates it.
   *
   * @throws StateError when the name is taken; ArgumentError when the configuration does not fit the model or is of another
   * kind than the adapters that it has. Nothing is changed then.
   */
  addAdapter(name: string, config: PeftConfig, { seed = 0, isTrainable = true }: AdapterOptions = {}): void {
    this.put(name, config, { start: { seed }, isTrainable });
  }

  /**
   * Loads an adapter that PEFT or {@link savePretrained} wrote; it does not act before {@link setAdapter} activates it.
   * Values of 16 bits are widened to 32.
   *
   * @throws FormatError when a file is missing or malformed, or its tensors are not those that the configuration asks of this
   * model: the error lists them; UnsupportedError for a method that this library does not have; StateError when the name is
   * taken. Model and earlier adapters are then as they were.
   */
  loadAdapter(folder: string, options: AdapterLoadOptions = {}): void {
    this.load(openAdapterFolder(folder), options);
  }

  /**
   * Writes every adapter as PEFT does: `adapter_config.json`, `adapter_model.safetensors` and a model card, and adapters not
   * named `default` into a sub-folder of their name. Files appear complete or not at all.
   *
   * An adapter that started by PiSSA or OLoRA is saved as it is: it fits the residual that those starts leave of the base, and
   * loading it makes that residual again.
   *
   * @param options - `selectedAdapters`, by default all
   * @throws StorageError when the disk refuses; StateError when the base's own weight must be saved and adapters are merged.
   */
  savePretrained(folder: string, { selectedAdapters }: { readonly selectedAdapters?: readonly string[] } = {}): void {
    const names = selectedAdapters ?? [...this.adapters.keys()];
    const isMerged = this.mergedAdapters.length > 0;
    const contents = names.map((name) => ({ name, config: this.adapter(name).config, tensors: this.tuner.tensors(name) }));
    if (isMerged && contents.some(({ tensors }) => [...tensors.values()].some(({ isBase }) => isBase))) {
      throw new StateError(
        'these adapters are saved with weights of the base, into which adapters are merged; call unmergeAdapter() first',
      );
    }
    saveAdapters(folder, contents);
  }

  /**
   * Puts another adapter's values into the variables of one that is loaded, so that whatever was compiled with them stays
   * valid: nothing is traced or compiled anew.
   *
   * The scale is a constant of compiled code, so a difference in `α/r` goes into B: `B ← B·s_new/s_old`. A smaller rank is
   * padded with zeros, and layers that the new adapter does not have get an update of zero. Name and configuration stay.
   *
   * @param source - an adapter's folder, or tensors by the names and in the layout of PEFT's files
   * @throws ArgumentError when the new adapter is larger or of another kind, FormatError when its files are bad, StateError
   * when adapters are merged. Nothing is changed then.
   */
  hotswapAdapter(source: string | tf.NamedTensorMap, { adapterName = 'default' }: { readonly adapterName?: string } = {}): void {
    const { config } = this.adapter(adapterName);
    if (this.mergedAdapters.length > 0) throw new StateError('adapters are merged; call unmergeAdapter() before swapping one');
    hotswap(this.tuner, { name: adapterName, config }, source);
  }

  /**
   * Activates one adapter, or several LoRA adapters whose updates add up.
   *
   * @throws StateError when there is none of that name.
   */
  setAdapter(names: string | readonly string[]): void {
    const active = [names].flat();
    for (const name of active) this.adapter(name);
    this.tuner.activate(
      active,
      active.filter((name) => this.adapter(name).isTrainable),
    );
    this.state.activeAdapters = active;
  }

  /**
   * Takes an adapter off and frees it; if it was active, the first of those left is active next.
   *
   * @throws StateError when there is none of that name, or adapters are merged.
   */
  deleteAdapter(name: string): void {
    this.adapter(name);
    if (this.mergedAdapters.length > 0) throw new StateError('adapters are merged; call unmergeAdapter() before deleting one');
    const left = this.activeAdapters.filter((active) => active !== name);
    this.tuner.remove(name);
    this.adapters.delete(name);
    this.setAdapter(left.length > 0 ? left : [...this.adapters.keys()].slice(0, 1));
  }

  /** The adapters that are in the base weights now. */
  get mergedAdapters(): readonly string[] {
    return this.tuner instanceof LoraTuner ? this.tuner.mergedAdapters() : [];
  }

  /** Takes the adapters off without merging them, and gives the base model; this PeftModel is of no use afterwards. */
  unload(): M {
    return this.takeOff({ keepsMerged: false });
  }

  /** Frees the adapters and the model. */
  override dispose(): void {
    this.tuner.dispose();
    this.state.dispose();
    super.dispose();
  }

  /** Adds what was opened, and gives it its values. */
  protected load({ config, tensors }: AdapterFolder, { adapterName = 'default', isTrainable = false }: AdapterLoadOptions): void {
    this.checkNew(adapterName);
    const values = readTensors(tensors, this.tuner.expectedTensors(config));
    this.put(adapterName, config, { start: 'empty', isTrainable });
    assignTensors(this.tuner.tensors(adapterName), values);
  }

  /** Makes the model its base, or adapted again. */
  protected setEnabled(isEnabled: boolean): void {
    this.tuner.setEnabled(isEnabled);
  }

  /** Takes every wrapper off the model. */
  protected takeOff(options: { readonly keepsMerged: boolean }): M {
    this.tuner.unload(options);
    this.adapters.clear();
    this.state.dispose();
    return this.model;
  }

  protected adapter(name: string): Adapter {
    const adapter = this.adapters.get(name);
    if (adapter) return adapter;
    throw new StateError(`there is no adapter '${name}'; there is ${[...this.adapters.keys()].join(', ') || 'none'}`);
  }

  protected loraTuner(participle: string): LoraTuner {
    if (this.tuner instanceof LoraTuner) return this.tuner;
    throw new UnsupportedError(`only LoRA adapters can be ${participle}; a prefix is no change of any weight`);
  }

  protected put(
    name: string,
    config: PeftConfig,
    { start, isTrainable }: { readonly start: AdapterStart; readonly isTrainable: boolean },
  ): void {
    this.checkNew(name);
    this.adapters.set(name, { config: this.tuner.add(name, config, start), isTrainable });
    this.setAdapter(this.activeAdapters);
  }

  /** A name is part of a path, in the model and on the disk. */
  protected checkNew(name: string): void {
    if (this.adapters.has(name)) throw new StateError(`there is an adapter '${name}' already; delete it first, or take another name`);
    if (!/^[\w-]{1,100}$/.test(name) || name === BASE_ROW) {
      throw new ArgumentError(`adapter name ${JSON.stringify(name.slice(0, 120))} is not made of 1 to 100 letters, digits, _ and -`);
    }
    if (this.mergedAdapters.length > 0) throw new StateError('adapters are merged; call unmergeAdapter() before adding one');
  }
}
