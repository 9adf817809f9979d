/** What every method that changes a weight does to a layer: named updates beside it, and merging them into it. */
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
  /** The variables that training changes. */
  readonly variables: readonly tf.Variable[];
  /** How it goes into the base weight. @internal */
  readonly mergeStep: MergeStep;
  /** Frees its variables. */
  dispose(): void;
}

/** A frozen layer with any number of named updates, of which those that `state` names act. */
export abstract class AdapterLayer<B extends Module = Module, U extends LayerUpdate = LayerUpdate> extends Module {
  /** The updates by adapter's name. */
  readonly updates = new Map<string, U>();
  /** Shared by all layers of an adapted model, to which its tuner hands it; a layer on its own has one of its own. @internal */
  readonly state: AdapterState;
  #merged: { readonly names: readonly string[]; readonly originals: readonly (readonly [tf.Variable, tf.Tensor])[] } | undefined;

  protected constructor(
    readonly baseLayer: B,
    state: AdapterState | undefined,
  ) {
    super();
    this.state = state ?? new AdapterState();
  }

  override get kind(): ModuleKind | undefined {
    return this.baseLayer.kind;
  }

  /** The base weight's two widths, [I, O]. */
  abstract get weightShape(): readonly [number, number];

  /** What an adapter's file holds of this layer, by PEFT's names. @internal */
  abstract fileTensors(name: string): IterableIterator<[string, AdapterTensor]>;

  /** What these updates together add to the base weight. Shapes: weight (I, O) → (I, O). @internal */
  abstract deltaWeight(weight: tf.Tensor, updates: readonly U[]): tf.Tensor;

  /** What these updates together add to the outputs. Shapes: x (N, I), for a table none; weight (I, O) → (N, O). @internal */
  abstract deltaOutputs(x: tf.Tensor | undefined, weight: tf.Tensor, updates: readonly U[]): tf.Tensor;

  /**
   * Brings the outputs of an adapter into another order: output i becomes what `order[i]` was.
   *
   * @throws UnsupportedError when the method's parameters cannot be moved so.
   *
   * @internal
   */
  abstract reorderOutputs(name: string, order: tf.Tensor1D): void;

  /** The adapters that are in the base weight now; empty when unmerged. */
  get mergedAdapters(): readonly string[] {
    return this.#merged?.names ?? [];
  }

  /** Adds an update that already has its values, or replaces the one of that name; from now on the base is frozen. @internal */
  putUpdate(name: string, update: U): void {
    this.baseLayer.freeze();
    this.updates.get(name)?.dispose();
    this.updates.set(name, update);
  }

  /** Takes an update off this layer and frees it. */
  deleteAdapter(name: string): void {
    this.updates.get(name)?.dispose();
    this.updates.delete(name);
  }

  /**
   * Merges the updates of the named adapters into the base weight. Merging twice warns and does nothing.
   *
   * W is what the adapter was trained on: a packed weight is unpacked, added to, and rounded to its format again.
   *
   * @param names - @defaultValue the active adapters
   * @throws NotFiniteError with `safeMerge` when the result is not finite everywhere; the base weight then stays as it was.
   */
  merge(names: readonly string[] = this.state.activeAdapters, options: { readonly safeMerge?: boolean } = {}): void {
    checkKnown(`${this.constructor.name}.merge`, options, ['safeMerge']);
    const { safeMerge = false } = options;
    if (this.#merged) warn(`already merged: ${this.#merged.names.join(', ')}; unmerge() first to merge anew`);
    else mergeLayers([this], names, { safeMerge });
  }

  /** What the base's bias becomes when these adapters are merged; undefined where it stays. Shapes: (O). @internal */
  mergedBias(_names: readonly string[]): tf.Tensor | undefined {
    return undefined;
  }

  /** Takes the weight into which these adapters are merged in place of its own, which {@link unmerge} puts back. @internal */
  putMerged(names: readonly string[], values: tf.Tensor, bias?: tf.Tensor): void {
    tiedHeadOf(this.baseLayer)?.part(); // the other end of the model stays as it is
    const weight = this.baseWeight();
    const own = bias ? this.baseBias() : undefined;
    // Copies share the old buffers: nothing is copied.
    const originals = [...weight.variables, ...(own ? [own] : [])].map((variable) => [variable, tf.keep(variable.clone())] as const);
    this.#merged = { names, originals };
    weight.write(values);
    if (bias) own?.assign(bias);
  }

  /** Puts the base weight back, bit by bit as it was before {@link merge}. */
  unmerge(): void {
    if (!this.#merged) {
      warn('nothing is merged: unmerge() does nothing');
      return;
    }
    for (const [variable, original] of this.#merged.originals) variable.assign(original);
    this.forgetOriginal();
    tiedHeadOf(this.baseLayer)?.rejoin();
  }

  /** Drops the copy that {@link unmerge} needs: what is merged now is the base from here on. @internal */
  forgetOriginal(): void {
    for (const [, original] of this.#merged?.originals ?? []) original.dispose();
    this.#merged = undefined;
  }

  override dispose(): void {
    this.forgetOriginal();
    for (const update of this.updates.values()) update.dispose();
    super.dispose();
  }

  /** The weight under the adapters. @throws UnsupportedError when the base layer has none of its own. */
  baseWeight(): BaseWeight {
    return baseWeightOf(this.baseLayer);
  }

  /** The updates that act, whatever their names, and where rows go through different ones, which goes where. */
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

  /** The updates that act in this forward, in order. */
  protected actingUpdates(): U[] {
    if (!this.state.isEnabled || this.#merged) return [];
    return this.state.activeAdapters.flatMap((name) => this.updates.get(name) ?? []);
  }

  /** The base layer's bias, where it has one. */
  protected baseBias(): tf.Variable | undefined {
    const bias: unknown = Reflect.get(this.baseLayer, 'bias');
    return bias instanceof tf.Variable ? bias : undefined;
  }

  /** The update of the first active adapter that is on this layer. @throws StateError when there is none. */
  protected firstActive(): U {
    const name = this.state.activeAdapters.find((active) => this.updates.has(active)) ?? this.state.activeAdapters[0] ?? '';
    const update = this.updates.get(name);
    if (!update) throw new StateError(`this layer has no adapter '${name}'; it has ${[...this.updates.keys()].join(', ') || 'none'}`);
    return update;
  }
}
