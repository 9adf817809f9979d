/** The adapters on a model: their names, the active ones, and their files. */
import { checkAlive, type Module } from '../nn';
import { ArgumentError, StateError, type tf } from '../runtime';
import { checkOneOf } from '../runtime/checks/checkValues';
import { shown } from '../runtime/messages/shown';
import { warn } from '../runtime/messages/warn';
import type { AdapterLoadOptions, AdapterSaveOptions } from './adapterOptions';
import { checkFree, claim, isOwnedByAnother, release } from './adapterOwner';
import { onBase } from './config/adapterConfig';
import { assignTensors, readTensors } from './files/adapterTensors';
import type { AdapterFolder } from './files/openAdapterFolder';
import { saveAdapters } from './files/saveAdapters';
import { hotswap } from './hotswap';
import { forgetLeft, keepLeft, type Left, leftOn, sentences } from './keptLeft';
import { BASE_ROW } from './layers/adapterPerRow';
import { type AdapterState, finallyDo } from './layers/adapterState';
import { assignStoredLayers, EmbeddingLayers } from './layers/embeddingLayers';
import { checkAble, methodOf, type PeftConfig, type PeftType } from './methods';
import type { Abilities, Ability, AdapterStart, MergingOptions, Tuner } from './tuner';

interface Adapter {
  readonly config: PeftConfig;
  /** Whether its file contained the base's embedding or output layer although it targets neither. */
  readonly hasBaseLayers?: boolean;
  readonly isTrainable: boolean;
}

/** Runs one pass with the adapters that a call of several passes began with. It waits for a promise, so it takes a pass that returns none. */
export type Act = <R>(pass: () => R) => R;

/** A model that may tell its origin, and whether its vocabulary was resized. */
type NamedModule = Module & { readonly nameOrPath?: string; readonly isResized?: boolean };

/** The named adapters of a model, all of one method. While it has adapters, no other owner may put adapters on the model. */
export class Adapters<M extends NamedModule = NamedModule> {
  readonly tuner: Tuner<PeftConfig>;
  readonly #byName = new Map<string, Adapter>();
  /** The names of the calls, such as `generate()`, that use the adapters and have not settled. */
  readonly #users: string[] = [];
  /** The calls of `disableAdapter` in progress, and the adapters that were unmerged for them and are not merged again yet. */
  readonly #disabled = { calls: 0, merged: [] as readonly string[] };
  /** What {@link warnOnceOfBase} has said. */
  readonly #said = new Set<string>();
  /** The call that ended its use. */
  #endedBy: string | undefined;

  /** @throws StateError when another owner has adapters on the model. */
  constructor(
    readonly model: M,
    readonly peftType: PeftType,
  ) {
    checkAlive(model);
    checkFree(model, this);
    const { Tuner } = methodOf(peftType);
    this.tuner = new Tuner(model);
  }

  /** Itself. @throws StateError when it has released its model. */
  usable(): this {
    if (this.#endedBy !== undefined) {
      const remedy = this.#endedBy === 'dispose()' ? 'load the model again' : 'use the model that it returned, or wrap that model again';
      throw new StateError(`this PeftModel is of no use after ${this.#endedBy}: ${remedy}`);
    }
    if (isOwnedByAnother(this.model, this)) {
      throw new StateError('this PeftModel has no adapter left, and another one now has adapters on its model: use that one');
    }
    checkAlive(this.model);
    return this;
  }

  /** The state that the adapted layers share. */
  get state(): AdapterState {
    return this.tuner.state;
  }

  get names(): string[] {
    return [...this.#byName.keys()];
  }

  /** The adapters that are merged into the base weights. */
  get merged(): readonly string[] {
    return this.tuner.merging?.mergedAdapters() ?? [];
  }

  /** @throws StateError for an unknown name. */
  get(name: string): Adapter {
    const adapter = this.#byName.get(name);
    if (adapter) return adapter;
    throw new StateError(`there is no adapter '${name}'; there is ${this.names.join(', ') || 'none'}`);
  }

  /** Adds an adapter, inactive. On an error, nothing is changed. */
  add(name: string, config: PeftConfig, { start, ...options }: { readonly start: AdapterStart } & Omit<Adapter, 'config'>): void {
    this.checkNew(name);
    checkOneOf('isTrainable', options.isTrainable, [true, false]);
    this.checkMethod(config);
    this.#byName.set(name, { config: this.tuner.add(name, config, start), ...options });
    if (this.#byName.size === 1) claim(this.model.freeze(), this);
    this.activate(this.state.activeAdapters);
    const [left] = sentences(this.left(name));
    const others = this.names.filter((other) => other !== name).join(', ');
    if (left && others) warn(`${left}, on which ${others} from now on act too`);
  }

  /** Adds an opened adapter, and assigns its values. */
  load({ config, tensors }: AdapterFolder, { adapterName = 'default', isTrainable = false }: AdapterLoadOptions): void {
    this.checkNew(adapterName);
    this.checkMethod(config);
    const layers = new EmbeddingLayers(this.model);
    layers.checkVocabulary(tensors);
    const expected = this.tuner.expectedTensors(config);
    const values = readTensors(tensors, layers.expectedTensors(expected));
    const base = layers.read(tensors.origin, values, expected);
    const others = this.names;
    this.add(adapterName, config, { start: 'empty', isTrainable, hasBaseLayers: base.some(({ isTarget }) => !isTarget) });
    assignTensors(this.tuner.tensors(adapterName), values);
    const below = this.below(adapterName).join(', and ');
    if (below) warn(`'${adapterName}' acts on a base that has changed, and is right only if it was trained on that: ${below}`);
    if (assignStoredLayers(base) && others.length > 0) {
      warn(
        `the file of '${adapterName}' holds another embedding or output layer; it takes the model's place under ${others.join(', ')} too`,
      );
    }
  }

  /** Writes adapters as PEFT does. */
  save(folder: string, { selectedAdapters: names = this.names, saveEmbeddingLayers: save = 'auto' }: AdapterSaveOptions): void {
    checkOneOf('saveEmbeddingLayers', save, ['auto', true, false]);
    const layers = new EmbeddingLayers(this.model);
    const contents = names.map((name) => {
      const { config, hasBaseLayers = false } = this.get(name);
      const own = this.tuner.tensors(name);
      const isResized = this.model.isResized === true || hasBaseLayers;
      const tensors = new Map([...own, ...layers.tensors(own, { save, isResized })]);
      return { name, config: onBase(config, this.model.nameOrPath), tensors };
    });
    if (this.merged.length > 0 && contents.some(({ tensors }) => [...tensors.values()].some(({ isBase }) => isBase))) {
      throw new StateError(
        'these adapters are saved with weights of the base, into which adapters are merged; call unmergeAdapter() first',
      );
    }
    for (const { name } of contents) {
      const below = this.below(name).join(', and ');
      if (below) warn(`'${name}' is saved, but belongs to a base that has changed: ${below}; load that adapter before it, or merge both`);
    }
    saveAdapters(folder, contents);
  }

  /** Replaces the values of an adapter in place. */
  swap(name: string, source: string | tf.NamedTensorMap): void {
    const { config } = this.get(name);
    this.checkChangeable('swapping one');
    const adapted = { tuner: this.tuner, swapping: this.ability('swapping'), layers: new EmbeddingLayers(this.model) };
    hotswap(adapted, { name, config }, source);
  }

  /** Makes exactly these adapters active. */
  activate(names: readonly string[]): void {
    this.checkEachOnce(names);
    this.checkUnmerged('activating one');
    this.tuner.activate(
      names,
      names.filter((name) => this.get(name).isTrainable),
    );
  }

  /** @throws StateError for an unknown name; ArgumentError when a name appears twice. */
  checkEachOnce(names: readonly string[]): void {
    for (const name of names) this.get(name);
    if (new Set(names).size < names.length) throw new ArgumentError(`an adapter is named twice: ${names.join(', ')}`);
  }

  /** Removes an adapter and frees it; if it was active, the first remaining adapter becomes active. */
  remove(name: string): void {
    this.get(name);
    this.checkChangeable('deleting one');
    const left = this.state.activeAdapters.filter((active) => active !== name);
    this.warnOfBase([name]);
    keepLeft(this.model, this.left(name));
    this.tuner.remove(name);
    this.#said.delete(name);
    this.#byName.delete(name);
    if (this.#byName.size === 0) release(this.model);
    this.activate(left.length > 0 ? left : this.names.slice(0, 1));
  }

  /** Merges adapters; merging twice warns and does nothing. */
  merge(names: readonly string[], options: MergingOptions): void {
    this.checkEachOnce(names);
    const merging = this.ability('merging');
    this.checkIdle('merging');
    if (this.merged.length > 0) warn(`already merged: ${this.merged.join(', ')}; call unmergeAdapter() before merging again`);
    else merging.merge(names, options);
  }

  /** Restores the base weights. */
  unmerge(): void {
    const merging = this.ability('merging');
    this.checkIdle('unmerging');
    if (this.merged.length > 0) merging.unmerge();
    else warn('nothing is merged: unmergeAdapter() does nothing');
  }

  /** Runs `run` without the adapters: unmerged, and until the last of such calls has ended. */
  withoutAdapters<T>(run: () => T): T {
    const disabled = this.#disabled;
    if (disabled.calls === 0) {
      const { merged } = this;
      if (merged.length > 0) {
        this.unmerge();
        disabled.merged = merged;
      }
      this.tuner.act(this.state.activeAdapters, false);
    }
    disabled.calls++;
    return finallyDo(run, () => {
      disabled.calls--;
      if (disabled.calls > 0) return;
      this.tuner.act(this.usable().state.activeAdapters, true);
      this.mergeAgain();
    });
  }

  /** Merges what `disableAdapter` unmerged, once no call runs that the merged weights would change. */
  private mergeAgain(): void {
    const disabled = this.#disabled;
    if (disabled.merged.length === 0 || disabled.calls > 0 || this.#users.length > 0 || this.#endedBy !== undefined) return;
    const names = disabled.merged;
    disabled.merged = [];
    this.merge(names, { safeMerge: false });
  }

  /** Runs a call of several passes, and makes each of them, which it gives to `act`, use the adapters that act now. */
  async held<T>(call: string, run: (act: Act) => Promise<T>): Promise<T> {
    const { activeAdapters, isEnabled } = this.state;
    this.#users.push(call);
    try {
      return await run((pass) => {
        const now = { names: this.usable().state.activeAdapters, isEnabled: this.state.isEnabled };
        if (now.names === activeAdapters && now.isEnabled === isEnabled) return pass();
        this.tuner.act(activeAdapters, isEnabled);
        return finallyDo(pass, () => this.tuner.act(now.names, now.isEnabled));
      });
    } finally {
      this.#users.splice(this.#users.indexOf(call), 1);
      this.mergeAgain();
    }
  }

  /** Removes every wrapper from the model; `call` names the call that ends the use. */
  takeOff(call: string, options: { readonly keepsMerged: boolean }): M {
    this.checkIdle(call);
    if (options.keepsMerged) forgetLeft(this.model);
    else
      keepLeft(
        this.model,
        this.names.flatMap((name) => this.left(name)),
      );
    this.tuner.unload(options);
    this.#byName.clear();
    this.state.dispose();
    release(this.model);
    this.#endedBy = call;
    return this.model;
  }

  /** Frees the adapters, and by `disposeModel` the model; does nothing after the end of the use. */
  dispose(disposeModel: () => void): void {
    if (this.#endedBy !== undefined) return;
    this.tuner.dispose();
    this.state.dispose();
    disposeModel();
    this.#endedBy = 'dispose()';
  }

  /** @throws UnsupportedError, with the method's reason, when these adapters lack this ability. */
  ability<A extends Ability>(name: A): Abilities<PeftConfig>[A] {
    checkAble(this.peftType, name);
    return this.tuner[name] as Abilities<PeftConfig>[A];
  }

  /** Warns of changes in the base that these adapters leave behind. */
  warnOfBase(names: Iterable<string>): void {
    for (const left of sentences([...names].flatMap((name) => this.left(name)))) warn(`${left}, which is not the model that was loaded`);
  }

  /** As {@link warnOfBase}, for calls that a loop repeats: each adapter is named once. */
  warnOnceOfBase(names: Iterable<string>): void {
    const fresh = [...names].filter((name) => !this.#said.has(name));
    for (const name of fresh) this.#said.add(name);
    this.warnOfBase(fresh);
  }

  /** What adapters that are gone, and those before this one, leave in the base to which it belongs; its file itself holds its biases. */
  below(name: string): string[] {
    const before = this.names.slice(0, this.names.indexOf(name)).flatMap((other) => this.left(other));
    const own = new Set<unknown>(Array.from(this.tuner.tensors(name).values(), ({ variable }) => variable));
    return sentences([...leftOn(this.model), ...before].filter(({ biases }) => !biases?.every((bias) => own.has(bias))));
  }

  private left(name: string): Left[] {
    return this.tuner.leftInBase(name).map((left) => ({ ...left, name }));
  }

  /** Checks the name of a new adapter, which becomes part of a path in the model and on the disk. */
  checkNew(name: string): void {
    if (typeof name !== 'string' || !/^[\w-]{1,100}$/.test(name) || name === BASE_ROW) {
      const given = typeof name === 'string' ? JSON.stringify(name.slice(0, 120)) : `${shown(name)} (${typeof name})`;
      throw new ArgumentError(`adapter name ${given} is not a text of 1 to 100 letters, digits, _ and -, other than ${BASE_ROW}`);
    }
    if (this.#byName.has(name)) throw new StateError(`there is an adapter '${name}' already; delete it first, or take another name`);
    if (this.#byName.size === 0) checkFree(this.model, this);
    this.checkChangeable('adding one');
  }

  /** @throws ArgumentError when the configuration belongs to another method than the present adapters. */
  private checkMethod({ peftType }: PeftConfig): void {
    if (peftType === this.peftType) return;
    throw new ArgumentError(`this model has ${methodOf(this.peftType).name} adapters, to which ${peftType} cannot be added`);
  }

  /** @throws StateError while a call runs that merged weights or an unloaded model would change. */
  checkIdle(before: string): void {
    this.checkUnused(before);
    if (this.#disabled.calls > 0) throw new StateError(`disableAdapter() is still running; wait for its end before ${before}`);
  }

  /** @throws StateError when adapters are merged, or one may be writing a text. */
  private checkChangeable(before: string): void {
    this.checkUnmerged(before);
    this.checkUnused(before);
  }

  private checkUnused(before: string): void {
    const [call] = this.#users;
    if (call !== undefined) throw new StateError(`${call} is still running; await it before ${before}`);
  }

  private checkUnmerged(before: string): void {
    if (this.merged.length > 0 || this.#disabled.merged.length > 0)
      throw new StateError(`adapters are merged; call unmergeAdapter() before ${before}`);
  }
}
