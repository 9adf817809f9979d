/** What LoRA does to any layer with a weight: named updates beside it, and merging them into it. */
import { Module, type ModuleKind, tiedHeadOf } from '../../nn';
import { ArgumentError, StateError, tf, UnsupportedError } from '../../runtime';
import { checkKnown } from '../../runtime/checkKnown';
import { warn } from '../../runtime/warn';
import { AdapterState } from '../layers/adapterState';
import { type BaseWeight, baseWeightOf } from '../layers/baseWeight';
import type { AdapterTensor, ExpectedTensor } from '../tuner';
import { LoraConfig, type LoraOptions } from './config';
import { createLoraUpdate, emptyLoraUpdate, takesFromBase } from './createLoraUpdate';
import type { LoraUpdate } from './loraUpdate';
import { mergeLayers } from './mergeLayers';

/** What a LoRA layer is told besides its configuration. */
export interface LoraLayerOptions {
  /** Name of the adapter. @defaultValue 'default' */
  readonly adapterName?: string;
  /** Seed of the initial values and of the dropout masks. @defaultValue 0 */
  readonly seed?: number;
  /** Shared by all layers of an adapted model. @defaultValue one of its own */
  readonly state?: AdapterState;
}

/** A frozen layer with any number of named low-rank updates, of which those that `state` names act. */
export abstract class LoraLayer<B extends Module = Module> extends Module {
  /** The updates by adapter's name. */
  readonly updates = new Map<string, LoraUpdate>();
  readonly state: AdapterState;
  private merged: { readonly names: readonly string[]; readonly originals: readonly tf.Tensor[] } | undefined;

  protected constructor(
    readonly baseLayer: B,
    given: LoraLayerOptions,
  ) {
    super();
    checkKnown(new.target.name, given, ['adapterName', 'seed', 'state']);
    this.state = given.state ?? new AdapterState();
  }

  override get kind(): ModuleKind | undefined {
    return this.baseLayer.kind;
  }

  /** A of the first active adapter, (I, r). */
  get loraA(): tf.Variable {
    return this.firstActive().loraA;
  }

  /** B of the first active adapter, (r, O). */
  get loraB(): tf.Variable {
    return this.firstActive().loraB;
  }

  /** The scale of the first active adapter, `α/r` unless its configuration says otherwise. */
  get scaling(): number {
    return this.firstActive().scaling;
  }

  /** The adapters that are in the base weight now; empty when unmerged. */
  get mergedAdapters(): readonly string[] {
    return this.merged?.names ?? [];
  }

  /**
   * @throws ArgumentError when the rank exceeds the layer's widths, unless its values are given and the layer's weight does
   * not limit it; UnsupportedError when the configuration needs a weight that the layer has not.
   */
  checkConfig(config: LoraConfig, options: { readonly isGiven?: boolean } = {}): void {
    checkKnown('checkConfig', options, ['isGiven']);
    const { isGiven = false } = options;
    const [inFeatures, outFeatures] = this.weightShape;
    const highest = Math.min(inFeatures, outFeatures);
    if (config.r > highest && !(isGiven && !takesFromBase(config))) {
      throw new ArgumentError(`rank ${config.r} is not in 1…${highest}, the ranks of a (${inFeatures}, ${outFeatures}) weight`);
    }
    if (!config.useDora && !takesFromBase(config)) return;
    if (takesFromBase(config) && tiedHeadOf(this.baseLayer)) {
      const start = `initLoraWeights '${config.initLoraWeights}' takes its start out of the base weight`;
      throw new UnsupportedError(`${start}, which here is shared by the embedding and the output layer: start another way`);
    }
    const { format } = this.baseWeight();
    if (takesFromBase(config) && format !== 'float32') {
      const start = `initLoraWeights '${config.initLoraWeights}' takes its start out of the base weight, which is kept as ${format}`;
      throw new UnsupportedError(`${start}: load the model in float32, or start another way`);
    }
  }

  /**
   * Adds an adapter that starts as its configuration says.
   *
   * @throws ArgumentError when the rank exceeds the layer's widths.
   */
  addAdapter(name: string, options: LoraOptions, seed = 0): void {
    const config = new LoraConfig(options);
    this.checkConfig(config);
    this.putUpdate(
      name,
      createLoraUpdate(this.weightShape, () => this.baseWeight(), config, seed),
    );
  }

  /** Adds an adapter whose values are assigned afterwards. */
  addEmptyAdapter(name: string, config: LoraConfig, seed: number): void {
    this.putUpdate(
      name,
      emptyLoraUpdate(this.weightShape, () => this.baseWeight(), config, seed),
    );
  }

  /** Adds an update that already has its values, or replaces the one of that name; from now on the base is frozen. */
  putUpdate(name: string, update: LoraUpdate): void {
    this.baseLayer.freeze();
    this.updates.get(name)?.dispose();
    this.updates.set(name, update);
  }

  deleteAdapter(name: string): void {
    this.updates.get(name)?.dispose();
    this.updates.delete(name);
  }

  /**
   * Adds the updates of the named adapters into the base weight: `W ← W + Σ ΔW`. Merging twice warns and does nothing.
   *
   * W is what the adapter was trained on: a packed weight is unpacked, added to, and rounded to its format again.
   *
   * @param names - @defaultValue the active adapters
   * @throws NotFiniteError with `safeMerge` when the result is not finite everywhere; the base weight then stays as it was.
   */
  merge(names: readonly string[] = this.state.activeAdapters, options: { readonly safeMerge?: boolean } = {}): void {
    checkKnown('LoraLayer.merge', options, ['safeMerge']);
    const { safeMerge = false } = options;
    if (this.merged) warn(`already merged: ${this.merged.names.join(', ')}; unmerge() first to merge anew`);
    else mergeLayers([this], names, { safeMerge });
  }

  /** Takes the weight into which these adapters are merged in place of its own, which {@link unmerge} puts back. */
  putMerged(names: readonly string[], values: tf.Tensor): void {
    tiedHeadOf(this.baseLayer)?.part(); // the other end of the model stays as it is
    const weight = this.baseWeight();
    const originals = weight.variables.map((variable) => tf.keep(variable.clone())); // share the old buffers: nothing is copied
    this.merged = { names, originals };
    weight.write(values);
  }

  /** Puts the base weight back, bit by bit as it was before {@link merge}. */
  unmerge(): void {
    if (!this.merged) {
      warn('nothing is merged: unmerge() does nothing');
      return;
    }
    const { originals } = this.merged;
    for (const [i, variable] of this.baseWeight().variables.entries()) variable.assign(originals[i] ?? variable);
    this.forgetOriginal();
    tiedHeadOf(this.baseLayer)?.rejoin();
  }

  /** Drops the copy that {@link unmerge} needs: what is merged now is the base from here on. */
  forgetOriginal(): void {
    tf.dispose([...(this.merged?.originals ?? [])]);
    this.merged = undefined;
  }

  override dispose(): void {
    this.forgetOriginal();
    for (const { dropoutSeed } of this.updates.values()) dropoutSeed?.dispose();
    super.dispose();
  }

  /** The weight under the adapters. @throws UnsupportedError when the base layer has none of its own. */
  baseWeight(): BaseWeight {
    return baseWeightOf(this.baseLayer);
  }

  override *ownParameters(): IterableIterator<[string, tf.Variable]> {
    for (const [name, update] of this.updates) {
      yield [`${this.factorNames.loraA}.${name}${this.factorNames.leaf}`, update.loraA];
      yield [`${this.factorNames.loraB}.${name}${this.factorNames.leaf}`, update.loraB];
      if (update.magnitude) yield [`lora_magnitude_vector.${name}.weight`, update.magnitude];
    }
  }

  /** The updates that act, whatever their names, and where rows go through different ones, which goes where. */
  override *compiledFields(): IterableIterator<readonly [string, unknown]> {
    for (const [name, field] of super.compiledFields()) if (!['updates', 'state', 'merged'].includes(name)) yield [name, field];
    yield ['acting', this.actingUpdates()];
    yield* this.state.trainingFields();
    const { rowAdapters } = this.state;
    if (!rowAdapters) return;
    const names = [...new Set(rowAdapters)];
    yield ['rows', rowAdapters.map((row) => names.indexOf(row))];
    yield ['rowUpdates', names.map((row) => this.updates.get(row))];
    yield ['isMerged', this.merged !== undefined];
  }

  /** What an adapter's file holds of this layer, by PEFT's names. */
  *fileTensors(name: string): IterableIterator<[string, AdapterTensor]> {
    const update = this.updates.get(name);
    if (!update) return;
    yield [`${this.factorNames.loraA}${this.factorNames.leaf}`, { variable: update.loraA, layout: 'transposed' }];
    yield [`${this.factorNames.loraB}${this.factorNames.leaf}`, { variable: update.loraB, layout: 'transposed' }];
    if (update.magnitude) yield ['lora_magnitude_vector', { variable: update.magnitude, layout: 'same' }];
  }

  /** What the file of an adapter of this configuration holds of this layer. */
  *expectedTensors({ r, useDora }: LoraConfig): IterableIterator<[string, ExpectedTensor]> {
    const [inFeatures, outFeatures] = this.weightShape;
    yield [`${this.factorNames.loraA}${this.factorNames.leaf}`, { shape: [r, inFeatures] }];
    yield [`${this.factorNames.loraB}${this.factorNames.leaf}`, { shape: [outFeatures, r] }];
    if (useDora) yield ['lora_magnitude_vector', { shape: [outFeatures] }];
  }

  /** PEFT's names of A and B, and what follows the adapter's name in them. */
  protected abstract get factorNames(): { readonly loraA: string; readonly loraB: string; readonly leaf: '' | '.weight' };

  /** The base weight's two widths, [I, O]. */
  abstract get weightShape(): readonly [number, number];

  /** The updates that act in this forward, in order. */
  protected actingUpdates(): LoraUpdate[] {
    if (!this.state.isEnabled || this.merged) return [];
    return this.state.activeAdapters.flatMap((name) => this.updates.get(name) ?? []);
  }

  private update(name: string): LoraUpdate {
    const update = this.updates.get(name);
    if (!update) throw new StateError(`this layer has no adapter '${name}'; it has ${[...this.updates.keys()].join(', ') || 'none'}`);
    return update;
  }

  private firstActive(): LoraUpdate {
    const name = this.state.activeAdapters.find((active) => this.updates.has(active));
    return this.update(name ?? this.state.activeAdapters[0] ?? '');
  }
}
