/** A model with adapters on it: PEFT's PeftModel. */
import {
  type ForwardOptions,
  type GenerateOptions,
  generate,
  type InputOptions,
  type LlamaConfig,
  LlamaForCausalLM,
  type LossOptions,
  type TokenRows,
} from '../llama';
import { castModel, Module } from '../nn';
import { ShapeError, StateError, tf } from '../runtime';
import { checkKnown } from '../runtime/checks/checkKnown';
import { checkOneOf } from '../runtime/checks/checkValues';
import { checkWhole } from '../runtime/checks/checkWhole';
import { checkGiven } from '../runtime/checks/door';
import { atPlace } from '../runtime/messages/atPlace';
import {
  type AdapterLoadOptions,
  type AdapterOptions,
  type AdapterSaveOptions,
  checkLoadOptions,
  type MergeOptions,
} from './adapterOptions';
import { type Act, Adapters } from './adapters';
import type { CausalModel } from './causalModel';
import { openAdapterFolder } from './files/openAdapterFolder';
import { BASE_ROW } from './layers/adapterPerRow';
import type { AdapterState, RowRange } from './layers/adapterState';
import type { WeightedAdapterOptions } from './lora/combine/combineAdapters';
import type { PeftConfig, PeftType } from './methods';
import { printTrainableParameters } from './printTrainableParameters';
import type { AdapterTensor } from './tuner';

/** The adapter of each row of a batch. */
export interface RowAdapters {
  /** One name per row; `__base__` means no adapter, as inside {@link PeftModel.disableAdapter}. @defaultValue the active adapters, for all rows */
  readonly adapterNames?: readonly string[];
}

/** A model with frozen weights and any number of named adapters of one method. */
export class PeftModel<M extends CausalModel = CausalModel> extends Module {
  readonly peftType: PeftType;
  readonly #adapters: Adapters<M>;

  /** @throws StateError when another owner has adapters on the model. */
  constructor(model: M, peftType: PeftType) {
    super();
    checkGiven('new PeftModel(model, peftType)', { model, peftType }, { model: '{namedModules}', peftType: 'text' });
    this.peftType = peftType;
    this.#adapters = new Adapters(model, peftType);
  }

  /**
   * Loads an adapter that PEFT or {@link savePretrained} wrote, puts it on a model, and activates it.
   *
   * @param options - the adapter's name in this model, by default `default`, and `isTrainable`, by default false
   * @throws as {@link loadAdapter}; StateError when the model already has adapters. The model is unchanged then.
   *
   * @example
   * const peft = await PeftModel.fromPretrained(model, 'adapters/review', { isTrainable: true });
   */
  static async fromPretrained<M extends CausalModel>(model: M, folder: string, options: AdapterLoadOptions = {}): Promise<PeftModel<M>> {
    checkGiven('PeftModel.fromPretrained(model, folder)', { model, folder }, { model: '{namedModules}', folder: 'text' });
    checkLoadOptions('PeftModel.fromPretrained', options);
    const opened = atPlace(folder, () => openAdapterFolder(folder));
    const peftModel = new PeftModel(model, opened.config.peftType);
    atPlace(folder, () => peftModel.adapters.load(opened, options));
    peftModel.setAdapter(options.adapterName ?? 'default');
    return peftModel;
  }

  /**
   * The model under the adapters. Its own `generate` does not hold them as {@link generate} does: each token comes from those that are
   * active then, and they can be changed meanwhile.
   *
   * @throws StateError after `unload()` or `dispose()`, like every other member.
   */
  get model(): M {
    return this.adapters.model;
  }

  /** The adapters' configurations, by name. */
  get peftConfig(): Readonly<Record<string, PeftConfig>> {
    const { adapters } = this;
    return Object.fromEntries(adapters.names.map((name) => [name, adapters.get(name).config]));
  }

  /** The active adapters, in order. */
  get activeAdapters(): readonly string[] {
    return this.state.activeAdapters;
  }

  /** The tensors of an adapter in its file, by the file's names without the prefix `base_model.model.`. */
  adapterTensors(name: string): ReadonlyMap<string, AdapterTensor> {
    this.adapters.get(name);
    return this.adapters.tuner.tensors(name);
  }

  /** What other adapters leave in the base to which this one belongs. @internal */
  belowAdapter(name: string): readonly string[] {
    return this.adapters.below(name);
  }

  /** The base model's configuration. */
  get config(): LlamaConfig {
    return this.model.config;
  }

  /** Whether dropout acts; see {@link train}. */
  get isTraining(): boolean {
    return this.state.isTraining;
  }

  /** Turns dropout on for `forward` and `loss`. */
  train(): this {
    this.state.isTraining = true;
    return this;
  }

  /** Turns dropout off, the initial state. */
  eval(): this {
    this.state.isTraining = false;
    return this;
  }

  /** The seeds of the active adapters' dropout masks, by adapter and layer; `train` saves them, and a resumed run restores them. */
  dropoutSeeds(): ReadonlyMap<string, tf.Variable> {
    const seedsOf = (name: string) =>
      Array.from(this.adapters.tuner.dropoutSeeds?.(name) ?? [], ([path, seed]) => [`${name}.${path}`, seed] as const);
    return new Map(this.activeAdapters.flatMap(seedsOf));
  }

  /** The number of training steps with dropout masks; `train` saves it, and a resumed run restores it. */
  get dropoutStep(): number {
    return this.state.dropoutStep;
  }

  /** Continues with the masks after this number of steps. */
  set dropoutStep(step: number) {
    checkWhole('dropoutStep', step, 0);
    this.state.dropoutStep = step;
  }

  /** The rows of a batch in the next losses: their dropout masks are those of the whole batch; see `RowRange`. */
  get dropoutRows(): RowRange | undefined {
    return this.state.rows;
  }

  /** Sets the rows of the next losses; undefined for a whole batch. */
  set dropoutRows(rows: RowRange | undefined) {
    if (rows !== undefined) checkGiven('dropoutRows', { rows }, { rows: '{first: number, count: number, of: number}' });
    this.state.rows = rows;
  }

  /**
   * Adds an adapter, which is neither active nor trained until {@link setAdapter} activates it. The first one freezes everything else.
   *
   * @throws StateError when the name is taken; ArgumentError when the configuration does not fit the model, or belongs to another method
   * than its adapters. Nothing is changed then. StateError also for a PiSSA or OLoRA start on layers that have another adapter, or whose
   * weights are the residual of an earlier such start.
   */
  addAdapter(name: string, config: PeftConfig, options: AdapterOptions = {}): void {
    checkKnown('addAdapter', options, ['seed', 'isTrainable']);
    const { seed = 0, isTrainable = true } = options;
    this.adapters.add(name, config, { start: { seed }, isTrainable });
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
    atPlace(folder, () => this.adapters.load(openAdapterFolder(folder), options));
  }

  /**
   * Writes every adapter as PEFT does: `adapter_config.json`, `adapter_model.safetensors` and a model card. Adapters with another name than
   * `default` go into a sub-folder of that name. Files appear complete or not at all.
   *
   * An adapter with a PiSSA or OLoRA start is saved unchanged: it belongs to the residual that these starts leave in the base, and loading
   * it computes that residual again. Adapters that were added after it belong to that residual too, and a warning says so.
   *
   * @throws StorageError when the disk refuses; StateError when a weight of the base must be saved and adapters are merged.
   */
  savePretrained(folder: string, options: AdapterSaveOptions = {}): void {
    checkKnown('savePretrained', options, ['selectedAdapters', 'saveEmbeddingLayers']);
    this.adapters.save(folder, options);
  }

  /**
   * Replaces the values of a loaded adapter by those of another, in the same variables: compiled functions stay valid, and nothing is
   * traced or compiled again.
   *
   * The scale is a constant of compiled code, so a difference in `α/r` goes into B: `B ← B·s_new/s_old`. A smaller rank is padded with
   * zeros, and layers that the new adapter lacks get a zero update; with DoRA or trained biases they are refused. Name and configuration
   * do not change.
   *
   * @param source - an adapter's folder, or tensors with the names and in the layout of PEFT's files
   * @throws ArgumentError when the new adapter is larger or of another kind; FormatError when its files are malformed; StateError when
   * adapters are merged. Nothing is changed then.
   */
  hotswapAdapter(source: string | tf.NamedTensorMap, options: { readonly adapterName?: string } = {}): void {
    checkKnown('hotswapAdapter', options, ['adapterName']);
    this.adapters.swap(options.adapterName ?? 'default', source);
  }

  /**
   * Activates one adapter, or several whose updates add up if the method supports it.
   *
   * @throws StateError for an unknown name, or when adapters are merged; ArgumentError when a name appears twice.
   */
  setAdapter(names: string | readonly string[]): void {
    this.adapters.activate([names].flat());
  }

  /**
   * Removes an adapter and frees it; if it was active, the first remaining adapter becomes active.
   *
   * @throws StateError for an unknown name, or when adapters are merged.
   */
  deleteAdapter(name: string): void {
    this.adapters.remove(name);
  }

  /** The adapters that are merged into the base weights. */
  get mergedAdapters(): readonly string[] {
    return this.adapters.merged;
  }

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
    checkGiven('addWeightedAdapter({ adapters, weights })', { adapters: options.adapters, weights: options.weights });
    const combining = this.adapters.ability('combining');
    const configs = new Map(combination.adapters.map((name) => [name, this.adapters.get(name).config]));
    this.adapters.checkNew(adapterName);
    const { config, assign } = combining.combine(configs, combination);
    this.adapters.add(adapterName, config, { start: 'empty', isTrainable: true });
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
   * contains NaN or infinity; ArgumentError when a name appears twice. Every weight is unchanged then.
   */
  mergeAdapter(options: MergeOptions = {}): void {
    checkKnown('mergeAdapter', options, ['adapterNames', 'safeMerge', 'onProgress']);
    const { adapterNames = this.activeAdapters, safeMerge = false, onProgress } = options;
    this.adapters.merge(adapterNames, { safeMerge, onProgress });
  }

  /** Restores the base weights, bit by bit as before {@link mergeAdapter}. */
  unmergeAdapter(): void {
    this.adapters.unmerge();
  }

  /**
   * Merges the adapters, removes every wrapper, and returns the plain model with the active adapter's copies of `modulesToSave`; this
   * PeftModel then refuses every call.
   *
   * @param options - as {@link mergeAdapter}; `dtype` is the storage of the plain model's weights. A quantised base is then dequantised
   * before the merge, and the sum is not rounded to few bits again. With `safeMerge`, what is merged already is merged again, and left
   * unmerged if it is not finite. @defaultValue `dtype`: the storage of the base
   * @throws StateError when `adapterNames` are others than the adapters that are merged already; as {@link mergeAdapter}.
   */
  mergeAndUnload({ dtype, safeMerge = false, onProgress, ...options }: MergeOptions & { readonly dtype?: 'float32' | 'bfloat16' } = {}): M {
    checkKnown('mergeAndUnload', options, ['adapterNames']);
    if (dtype !== undefined) checkOneOf('dtype', dtype, ['float32', 'bfloat16']);
    this.adapters.checkIdle('mergeAndUnload()');
    const isMerged = this.mergedAdapters.length > 0;
    const { adapterNames = isMerged ? this.mergedAdapters : this.activeAdapters } = options;
    if (isMerged && [...adapterNames].sort().join() !== [...this.mergedAdapters].sort().join()) {
      throw new StateError(`${this.mergedAdapters.join(', ')} is merged, not ${adapterNames.join(', ')}; call unmergeAdapter() first`);
    }
    if (isMerged && safeMerge) this.unmergeAdapter(); // what was merged unchecked is merged again
    if (safeMerge || !(isMerged || dtype)) this.mergeAdapter({ adapterNames, safeMerge, onProgress });
    if (dtype) {
      if (this.mergedAdapters.length > 0) this.unmergeAdapter();
      castModel(this.model, 'float32');
      this.mergeAdapter({ adapterNames, onProgress });
    }
    this.adapters.warnOfBase(this.adapters.names.filter((name) => !adapterNames.includes(name)));
    const model = this.adapters.takeOff('mergeAndUnload()', { keepsMerged: true });
    if (dtype === 'bfloat16') castModel(model, dtype);
    return model;
  }

  /**
   * Removes the adapters without merging them, and returns the base model; this PeftModel then refuses every call. As in PEFT, trained biases
   * and the residual of PiSSA and OLoRA stay in the base, and a warning says so.
   *
   * @throws StateError when adapters are merged, which PEFT's `unload` leaves in the base.
   */
  unload(): M {
    const { adapters } = this;
    if (adapters.merged.length > 0) {
      throw new StateError('adapters are merged; call unmergeAdapter() first, or mergeAndUnload() to keep them in the base');
    }
    adapters.warnOfBase(adapters.names);
    return adapters.takeOff('unload()', { keepsMerged: false });
  }

  /** Frees the adapters and the model; after `unload()`, or a second time, it does nothing. */
  override dispose(): void {
    this.#adapters.dispose(() => super.dispose());
  }

  /** As the model's own; rows may use different adapters. Shapes: (B, T) → (B, T, V). */
  forward(inputIds: TokenRows, { adapterNames, ...options }: ForwardOptions & RowAdapters = {}): tf.Tensor3D {
    this.warnOfBaseRows(adapterNames);
    return this.withRows(rowCount(inputIds), adapterNames, () => {
      this.state.nextStep();
      return this.model.forward(inputIds, options);
    });
  }

  /** As the model's own. Shapes: (B, T) → (). */
  loss(inputIds: TokenRows, labels: TokenRows, options?: LossOptions): tf.Scalar {
    this.state.nextStep();
    return this.model.loss(inputIds, labels, options);
  }

  /**
   * As the model's own, without dropout even in training mode; rows may use different adapters. The adapters that are active, or disabled,
   * at the call write the whole text, whatever is activated meanwhile. Until it has settled, none can be added, deleted, swapped or merged.
   */
  async generate(inputIds: TokenRows, { adapterNames, ...options }: GenerateOptions & RowAdapters = {}): Promise<number[][]> {
    const given = rowCount(inputIds);
    this.warnOfBaseRows(adapterNames);
    return this.holdAdapters('generate()', (act) => {
      const within = <T>(rows: number, run: () => T) =>
        act(() => this.state.withoutDropout(() => this.withRows(rows, adapterNames && perBeam(adapterNames, rows / given), run)));
      const forward = (ids: TokenRows, options: ForwardOptions) => within(rowCount(ids), () => this.model.forward(ids, options));
      const compilable =
        this.model instanceof LlamaForCausalLM ? { llama: this.model, within, areRowsMixed: adapterNames !== undefined } : undefined;
      return generate({ config: this.config, forward, compilable }, inputIds, options);
    });
  }

  /** Runs a call of several passes as {@link generate} does: each, given to `act`, uses the adapters that are active now. @internal */
  holdAdapters<T>(call: string, run: (act: Act) => Promise<T>): Promise<T> {
    return this.adapters.held(call, run);
  }

  /** As the model's own, without dropout; a prefix adds its gated weights before those of the tokens, (B, H, T, P + S). */
  attentions(inputIds: TokenRows, options?: InputOptions): tf.Tensor4D[] {
    return this.state.withoutDropout(() => this.model.attentions(inputIds, options));
  }

  /** The trainable parameters, by PEFT's names. */
  override trainableParameters(): Map<string, tf.Variable> {
    return new Map(super.trainableParameters());
  }

  /** Prints PEFT's sentence on the trainable share of the model. */
  printTrainableParameters(): void {
    printTrainableParameters(this);
  }

  /**
   * Runs `fn` without the adapters and returns its result; a promise keeps them disabled until it settles.
   *
   * Adapters that were merged are merged again after it, and after the texts that `generate` then still writes.
   *
   * Biases that an adapter with `bias` has trained belong to the model and stay trained; so does the residual of PiSSA and OLoRA.
   */
  disableAdapter<T>(fn: () => T): T {
    this.adapters.warnOnceOfBase(this.activeAdapters);
    return this.adapters.withoutAdapters(fn);
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

  /** Itself, checked to be of use. */
  private get adapters(): Adapters<M> {
    return this.#adapters.usable();
  }

  private get state(): AdapterState {
    return this.adapters.state;
  }

  private warnOfBaseRows(names: readonly string[] | undefined): void {
    if (names?.includes(BASE_ROW)) this.adapters.warnOnceOfBase(this.adapters.names);
  }

  private withRows<T>(rows: number, names: readonly string[] | undefined, run: () => T): T {
    if (!names) return run();
    if (names.length !== rows) throw new ShapeError(`adapterNames has ${names.length} names for ${rows} rows; give one per row`);
    this.adapters.ability('mixing');
    for (const name of names) if (name !== BASE_ROW) this.adapters.get(name);
    if (this.isTraining) throw new StateError('adapterNames is for inference; call eval() first');
    if (!this.state.isEnabled) throw new StateError('adapterNames has no effect inside disableAdapter(); leave out one of the two');
    return this.state.withRows(names, run);
  }
}

/** Beam search makes several consecutive rows from each given row. */
function perBeam(names: readonly string[], beams: number): string[] {
  return names.flatMap((name) => Array<string>(beams).fill(name));
}

function rowCount(ids: TokenRows): number {
  return ids instanceof tf.Tensor ? ids.shape[0] : ids.length;
}
