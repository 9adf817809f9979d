/** The part that all methods with weight updates share: named updates of a layer, and their merge into its weight. */
import { Module, type ModuleKind, tiedHeadOf } from '../../nn';
import { StateError, tf } from '../../runtime';
import { checkKnown } from '../../runtime/checks/checkKnown';
import { warn } from '../../runtime/messages/warn';
import { type MergeStep, mergeLayers } from '../merge/mergeLayers';
import type { AdapterTensor } from '../tuner';
import { AdapterState } from './adapterState';
import { type BaseWeight, baseWeightOf } from './baseWeight';

/** One adapter's update of one layer. */
export interface LayerUpdate {
  /** The trainable variables. */
  readonly variables: readonly tf.Variable[];
  /** Distinguishes its dropout masks. Shape (), int32. @internal */
  readonly dropoutSeed?: tf.Variable | undefined;
  /** Its merge into the base weight. @internal */
  readonly mergeStep: MergeStep;
  /** Frees its variables. */
  dispose(): void;
}

export interface UpdateTensor extends AdapterTensor {
  /** Its name in a file, without the layer's path. */
  readonly file: string;
  /** Its name in the model, where the adapter's stands before the last `.weight`, or at the end. @defaultValue as in a file */
  readonly parameter?: string;
}

/** A frozen layer with any number of named updates; `state` names the active ones. */
export abstract class AdapterLayer<B extends Module = Module, U extends LayerUpdate = LayerUpdate> extends Module {
  /** The updates by adapter name. */
  readonly updates = new Map<string, U>();
  #merged: { readonly names: readonly string[]; readonly originals: readonly (readonly [tf.Variable, tf.Tensor])[] } | undefined;

  constructor(
    readonly baseLayer: B,
    /** Shared by all layers of an adapted model, from its tuner; a single layer has its own. @internal */
    readonly state: AdapterState = new AdapterState(),
  ) {
    super();
  }

  override get kind(): ModuleKind | undefined {
    return this.baseLayer.kind;
  }

  /** The base weight's two widths, [I, O]. */
  abstract get weightShape(): readonly [number, number];

  /** The tensors of an update. @internal */
  protected abstract updateTensors(update: U): readonly UpdateTensor[];

  /** The sum of these updates of the base weight. Shapes: weight (I, O) → (I, O). @internal */
  abstract deltaWeight(weight: tf.Tensor, updates: readonly U[]): tf.Tensor;

  /** The sum that these updates add to the outputs. Shapes: x (N, I), for a table none; weight (I, O) → (N, O). @internal */
  abstract deltaOutputs(x: tf.Tensor | undefined, weight: tf.Tensor, updates: readonly U[]): tf.Tensor;

  /**
   * Reorders the outputs of an adapter: output i becomes the former output `order[i]`.
   *
   * @throws UnsupportedError when the method's parameters cannot be reordered.
   *
   * @internal
   */
  abstract reorderOutputs(name: string, order: tf.Tensor1D): void;

  /** The adapters that are merged into the base weight; empty if unmerged. */
  get mergedAdapters(): readonly string[] {
    return this.#merged?.names ?? [];
  }

  /** The tensors of this layer in an adapter's file, by PEFT's names. @internal */
  fileTensors(name: string): [string, AdapterTensor][] {
    const update = this.updates.get(name);
    return update ? this.updateTensors(update).map(({ file, variable, layout }) => [file, { variable, layout }]) : [];
  }

  override *ownParameters(): IterableIterator<[string, tf.Variable]> {
    for (const [name, update] of this.updates) {
      for (const { file, parameter = file, variable } of this.updateTensors(update)) {
        yield [parameter.replace(/(\.weight)?$/, (leaf) => `.${name}${leaf}`), variable];
      }
    }
  }

  /** Adds an update with its values, or replaces the one with this name; freezes the base. @internal */
  putUpdate(name: string, update: U): void {
    this.baseLayer.freeze();
    this.updates.get(name)?.dispose();
    this.updates.set(name, update);
  }

  /** Removes an update from this layer and frees it. */
  deleteAdapter(name: string): void {
    this.updates.get(name)?.dispose();
    this.updates.delete(name);
  }

  /**
   * Merges the updates of the named adapters into the base weight. Merging twice warns and does nothing.
   *
   * W is the weight on which the adapter was trained: a packed weight is unpacked, updated, and rounded to its format again.
   *
   * @param names - @defaultValue the active adapters
   * @throws NotFiniteError with `safeMerge` when the result contains NaN or infinity; the base weight is unchanged then.
   */
  merge(names: readonly string[] = this.state.activeAdapters, options: { readonly safeMerge?: boolean } = {}): void {
    checkKnown(`${this.constructor.name}.merge`, options, ['safeMerge']);
    const { safeMerge = false } = options;
    if (this.#merged) warn(`already merged: ${this.#merged.names.join(', ')}; call unmerge() before merging again`);
    else mergeLayers([this], names, { safeMerge });
  }

  /** The base's bias after a merge of these adapters; undefined if it does not change. Shapes: (O). @internal */
  mergedBias(_names: readonly string[]): tf.Tensor | undefined {
    return undefined;
  }

  /** Replaces the weight by the merged weight; {@link unmerge} restores it. @internal */
  putMerged(names: readonly string[], values: tf.Tensor, bias?: tf.Tensor): void {
    tiedHeadOf(this.baseLayer)?.part(); // the other end of the model does not change
    const weight = this.baseWeight();
    const own = bias ? this.baseBias() : undefined;
    // Copies share the old buffers: nothing is copied.
    const originals = [...weight.variables, ...(own ? [own] : [])].map((variable) => [variable, tf.keep(variable.clone())] as const);
    this.#merged = { names, originals };
    weight.write(values);
    if (bias) own?.assign(bias);
  }

  /** Restores the base weight, bit by bit as before {@link merge}. */
  unmerge(): void {
    if (!this.#merged) {
      warn('nothing is merged: unmerge() does nothing');
      return;
    }
    for (const [variable, original] of this.#merged.originals) variable.assign(original);
    this.forgetOriginal();
    tiedHeadOf(this.baseLayer)?.rejoin();
  }

  /** Frees the copy for {@link unmerge}: the merged weight becomes the base. @internal */
  forgetOriginal(): void {
    for (const [, original] of this.#merged?.originals ?? []) original.dispose();
    this.#merged = undefined;
  }

  override dispose(): void {
    this.forgetOriginal();
    for (const update of this.updates.values()) update.dispose();
    super.dispose();
  }

  /** The weight under the adapters. @throws UnsupportedError when the base layer has no weight of its own. */
  baseWeight(): BaseWeight {
    return baseWeightOf(this.baseLayer);
  }

  /** The active updates, regardless of their names, and the update of each row if rows use different ones. */
  override *compiledFields(): IterableIterator<readonly [string, unknown]> {
    for (const [name, field] of super.compiledFields()) if (!['updates', 'state'].includes(name)) yield [name, field];
    yield ['acting', this.actingUpdates()];
    yield* this.state.trainingFields();
    const { rowAdapters } = this.state;
    if (!rowAdapters) return;
    const names = [...new Set(rowAdapters)];
    yield ['rows', rowAdapters.map((row) => names.indexOf(row))];
    yield ['rowUpdates', names.map((row) => this.updates.get(row))];
    yield ['isMerged', this.#merged !== undefined];
  }

  /** The active updates of this forward pass, in order. */
  protected actingUpdates(): U[] {
    if (!this.state.isEnabled || this.#merged) return [];
    return this.state.activeAdapters.flatMap((name) => this.updates.get(name) ?? []);
  }

  protected baseBias(): tf.Variable | undefined {
    const bias: unknown = Reflect.get(this.baseLayer, 'bias');
    return bias instanceof tf.Variable ? bias : undefined;
  }

  /** The update of the first active adapter on this layer. @throws StateError when there is none. */
  protected firstActive(): U {
    const name = this.state.activeAdapters.find((active) => this.updates.has(active)) ?? this.state.activeAdapters[0] ?? '';
    const update = this.updates.get(name);
    if (!update) throw new StateError(`this layer has no adapter '${name}'; it has ${[...this.updates.keys()].join(', ') || 'none'}`);
    return update;
  }
}
