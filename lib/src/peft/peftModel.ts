/** A model with adapters on it: PEFT's PeftModel. */
import { type ForwardOptions, type GenerateOptions, generate, type InputOptions, type LlamaConfig, type Rows } from '../llama';
import { Module } from '../nn';
import { ArgumentError, ShapeError, StateError, tf, UnsupportedError } from '../runtime';
import { AdapterState } from './adapterState';
import { AdaptionPromptTuner } from './adaptionPrompt/adaptionPromptTuner';
import type { PeftConfig } from './config';
import { LoraTuner } from './lora/loraTuner';
import { printTrainableParameters } from './printTrainableParameters';
import type { Tuner } from './tuner';

/** What adapters go on: a LlamaForCausalLM, or a model of your own with these methods. */
export interface CausalModel extends Module {
  readonly config: LlamaConfig;
  /** Shapes: inputIds (B, T) → logits (B, T, V). */
  forward(inputIds: Rows, options?: ForwardOptions): tf.Tensor3D;
  /** Shapes: inputIds, labels (B, T) → (). */
  loss(inputIds: Rows, labels: Rows, options?: InputOptions): tf.Scalar;
  /** Shapes: inputIds (B, T) → (B, H, T, S) per layer. */
  attentions(inputIds: Rows, options?: InputOptions): tf.Tensor4D[];
}

/** Which adapter each row of a batch goes through. */
export interface RowAdapters {
  /** One name per row; `__base__` is none. @defaultValue the active adapters, for all rows */
  readonly adapterNames?: readonly string[];
}

/** How an adapter is added. */
export interface AdapterOptions {
  /** Seed of its initial values and of its dropout masks. @defaultValue 0 */
  readonly seed?: number;
  /** Whether it is trained while it is active. @defaultValue true */
  readonly isTrainable?: boolean;
}

/**
 * Wraps a model's layers as the configuration says, in place, and freezes everything but the adapter.
 *
 * @param options - `adapterName`, by default `default`, and the adapter's seed
 * @throws ArgumentError when the configuration names nothing that the model has, or a rank or a number of layers is out of
 * range; the model is then as it was.
 *
 * @example
 * const peft = getPeftModel(model, new LoraConfig({ r: 16, loraAlpha: 32, targetModules: ['q_proj', 'v_proj'] }));
 */
export function getPeftModel<M extends CausalModel>(
  model: M,
  config: PeftConfig,
  { adapterName = 'default', ...options }: AdapterOptions & { readonly adapterName?: string } = {},
): PeftModel<M> {
  const peftModel = new PeftModel(model, config.peftType);
  peftModel.addAdapter(adapterName, config, options);
  model.freeze();
  peftModel.setAdapter(adapterName);
  return peftModel;
}

/** A model whose own weights are frozen, with any number of named adapters of one kind, of which the active ones act. */
export class PeftModel<M extends CausalModel = CausalModel> extends Module {
  private readonly adapters = new Map<string, { readonly config: PeftConfig; readonly isTrainable: boolean }>();
  private readonly state = new AdapterState([]);
  private readonly tuner: Tuner;

  /** See {@link getPeftModel}, which also adds the first adapter. */
  constructor(
    readonly model: M,
    readonly peftType: PeftConfig['peftType'],
  ) {
    super();
    this.tuner = peftType === 'LORA' ? new LoraTuner(model, this.state) : new AdaptionPromptTuner(model);
  }

  get config(): LlamaConfig {
    return this.model.config;
  }

  /** The adapters' configurations, by name. */
  get peftConfig(): Readonly<Record<string, PeftConfig>> {
    return Object.fromEntries(Array.from(this.adapters, ([name, { config }]) => [name, config]));
  }

  get activeAdapters(): readonly string[] {
    return this.state.activeAdapters;
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

  /** Turns dropout off, as it is at first. */
  eval(): this {
    this.state.isTraining = false;
    return this;
  }

  /** As the model's own; rows may go through different adapters. Shapes: (B, T) → (B, T, V). */
  forward(inputIds: Rows, { adapterNames, ...options }: ForwardOptions & RowAdapters = {}): tf.Tensor3D {
    return this.withRows(inputIds, adapterNames, () => {
      this.state.nextStep();
      return this.model.forward(inputIds, options);
    });
  }

  /** As the model's own. Shapes: (B, T) → (). */
  loss(inputIds: Rows, labels: Rows, options?: InputOptions): tf.Scalar {
    this.state.nextStep();
    return this.model.loss(inputIds, labels, options);
  }

  /** As the model's own, without dropout even in training mode; rows may go through different adapters. */
  async generate(inputIds: Rows, { adapterNames, ...options }: GenerateOptions & RowAdapters = {}): Promise<number[][]> {
    const forward = (ids: Rows, forwardOptions: ForwardOptions) => {
      const names = adapterNames && perBeam(adapterNames, rowCount(ids) / rowCount(inputIds));
      return this.withoutDropout(() => this.forward(ids, { ...forwardOptions, ...(names && { adapterNames: names }) }));
    };
    return generate({ config: this.config, forward }, inputIds, options);
  }

  /** As the model's own, without dropout; a prefix adds its gated weights before those of the tokens, (B, H, T, P + S). */
  attentions(inputIds: Rows, options?: InputOptions): tf.Tensor4D[] {
    return this.withoutDropout(() => this.model.attentions(inputIds, options));
  }

  /** What training changes, by PEFT's names. */
  override trainableParameters(): Map<string, tf.Variable> {
    return new Map(super.trainableParameters());
  }

  /** Prints PEFT's sentence on how much of the model is trained. */
  printTrainableParameters(): void {
    printTrainableParameters(this);
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
    if (this.adapters.has(name)) throw new StateError(`there is an adapter '${name}' already; delete it first, or take another name`);
    if (!/^[\w-]+$/.test(name)) throw new ArgumentError(`adapter name ${JSON.stringify(name)} is not made of letters, digits, _ and -`);
    if (this.mergedAdapters.length > 0) throw new StateError('adapters are merged; call unmergeAdapter() before adding one');
    this.tuner.add(name, config, seed);
    this.adapters.set(name, { config, isTrainable });
    this.setAdapter(this.activeAdapters);
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

  /**
   * Runs `fn` on the base model and gives what it gives; a promise keeps the adapters off until it is settled.
   *
   * Biases that an adapter with `bias` has trained are the model's own and stay.
   */
  disableAdapter<T>(fn: () => T): T {
    const merged = this.mergedAdapters;
    if (merged.length > 0) this.unmergeAdapter();
    this.tuner.setEnabled(false);
    const enable = () => {
      this.tuner.setEnabled(true);
      if (merged.length > 0) this.mergeAdapter({ adapterNames: merged });
    };
    return finallyDo(fn, enable);
  }

  /** The adapters that are in the base weights now. */
  get mergedAdapters(): readonly string[] {
    return this.tuner instanceof LoraTuner ? this.tuner.mergedAdapters() : [];
  }

  /**
   * Adds LoRA adapters into the base weights, so that they cost nothing in a forward; merging twice warns and does nothing.
   *
   * @param options - `adapterNames`, by default the active ones; `safeMerge` to check the result first
   * @throws UnsupportedError for prefix adapters, which no weight can hold; NotFiniteError with `safeMerge` when a merged
   * weight is not finite everywhere, every weight then being as it was.
   */
  mergeAdapter({
    adapterNames = this.activeAdapters,
    safeMerge = false,
  }: {
    adapterNames?: readonly string[];
    safeMerge?: boolean;
  } = {}): void {
    for (const name of adapterNames) this.adapter(name);
    const tuner = this.loraTuner('merged');
    if (this.mergedAdapters.length > 0)
      console.warn(`already merged: ${this.mergedAdapters.join(', ')}; call unmergeAdapter() to merge anew`);
    else tuner.merge(adapterNames, { safeMerge });
  }

  /** Puts the base weights back, bit by bit as they were before {@link mergeAdapter}. */
  unmergeAdapter(): void {
    const tuner = this.loraTuner('unmerged');
    if (this.mergedAdapters.length > 0) tuner.unmerge();
    else console.warn('nothing is merged: unmergeAdapter() does nothing');
  }

  /** Merges the adapters, takes every wrapper off, and gives the plain model; this PeftModel is of no use afterwards. */
  mergeAndUnload(options: { adapterNames?: readonly string[]; safeMerge?: boolean } = {}): M {
    if (this.mergedAdapters.length === 0) this.mergeAdapter(options);
    return this.unload();
  }

  /** Takes the adapters off without merging them, and gives the base model; this PeftModel is of no use afterwards. */
  unload(): M {
    if (this.tuner instanceof LoraTuner) this.tuner.unload();
    else for (const name of [...this.adapters.keys()]) this.tuner.remove(name);
    this.adapters.clear();
    this.state.dispose();
    return this.model;
  }

  /** Frees the adapters and the model. */
  override dispose(): void {
    this.tuner.dispose();
    this.state.dispose();
    super.dispose();
  }

  private adapter(name: string): { readonly config: PeftConfig; readonly isTrainable: boolean } {
    const adapter = this.adapters.get(name);
    if (adapter) return adapter;
    throw new StateError(`there is no adapter '${name}'; there is ${[...this.adapters.keys()].join(', ') || 'none'}`);
  }

  private loraTuner(participle: string): LoraTuner {
    if (this.tuner instanceof LoraTuner) return this.tuner;
    throw new UnsupportedError(`only LoRA adapters can be ${participle}; a prefix is no change of any weight`);
  }

  private withRows<T>(inputIds: Rows, names: readonly string[] | undefined, run: () => T): T {
    if (!names) return run();
    const rows = rowCount(inputIds);
    if (names.length !== rows) throw new ShapeError(`adapterNames has ${names.length} names for ${rows} rows; give one per row`);
    this.loraTuner('mixed in one batch');
    for (const name of names) if (name !== '__base__') this.adapter(name);
    if (this.isTraining) throw new StateError('adapterNames is for inference; call eval() first');
    this.state.rowAdapters = names;
    return finallyDo(run, () => {
      this.state.rowAdapters = undefined;
    });
  }

  private withoutDropout<T>(run: () => T): T {
    const { isTraining } = this.state;
    this.state.isTraining = false;
    return finallyDo(run, () => {
      this.state.isTraining = isTraining;
    });
  }
}

/** Beam search makes several rows, one after the other, of each row that it was given. */
function perBeam(names: readonly string[], beams: number): string[] {
  return names.flatMap((name) => Array<string>(beams).fill(name));
}

function rowCount(ids: Rows): number {
  return ids instanceof tf.Tensor ? ids.shape[0] : ids.length;
}

/** `try … finally` that waits for a promise. */
function finallyDo<T>(run: () => T, after: () => void): T {
  let isPending = false;
  try {
    const result = run();
    if (!(result instanceof Promise)) return result;
    isPending = true;
    return result.finally(after) as T;
  } finally {
    if (!isPending) after();
  }
}
