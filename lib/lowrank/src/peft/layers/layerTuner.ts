/** Puts adapters on a model's layers: the part that all methods with wrapped layers share. */
import type { Module, Projection } from '../../nn';
import { ArgumentError, deriveSeed, type tf, UnsupportedError } from '../../runtime';
import { shown } from '../../runtime/messages/shown';
import { warn } from '../../runtime/messages/warn';
import { checkAdapterMemory, checkMergeMemory } from '../adapterMemory';
import { type AdapterConfig, changed } from '../config/adapterConfig';
import { idleEntries, isAllLinear, leafNames, type TargetOptions } from '../config/targets';
import { mergeLayers, unmergeLayers } from '../merge/mergeLayers';
import type { AdapterStart, AdapterTensor, ExpectedTensor, LeftInBase, Merging, Tuner } from '../tuner';
import type { AdapterLayer } from './adapterLayer';
import { AdapterState } from './adapterState';
import { ModulesToSave } from './modulesToSave';
import { ModulesToSaveWrapper } from './modulesToSaveWrapper';
import { hasTiedHead, settleTiedHeads, UNTIED } from './tiedEnds';
import { TokenRows } from './tokenRows';
import { type BiasConfig, checkBiasesFree, trainedBiases, trainsBiases } from './trainedBiases';
import type { TunerPart } from './tunerPart';
import { WrappedModules } from './wrappedModules';

/** The part that the configurations of these methods share. */
type LayerConfig = AdapterConfig & TargetOptions & BiasConfig & { readonly modulesToSave: readonly string[] };

/** A layer that a configuration names, wrapped or not yet, with the configuration for this layer. */
export interface Target<C, L> {
  readonly path: string;
  readonly layer: L;
  readonly own: C;
}

export interface UpdateStart {
  /** Whether values of a file follow; the seed then affects only the dropout masks. */
  readonly isEmpty: boolean;
  readonly seed: number;
}

/** Wraps the layers that a configuration names, each once, and adds its updates to them. */
export abstract class LayerTuner<C extends LayerConfig, L extends AdapterLayer> implements Tuner<C> {
  readonly state = new AdapterState([]);
  protected readonly configs = new Map<string, C>();
  protected readonly saved: ModulesToSave;
  protected readonly parts: TunerPart<C>[];
  protected readonly wrapped: WrappedModules<L>;

  /** @param isLayer - true for the method's own wrappers */
  protected constructor(
    protected readonly model: Module,
    private readonly isLayer: (module: Module | undefined) => module is L,
  ) {
    this.saved = new ModulesToSave(model, this.state);
    this.parts = [this.saved];
    this.wrapped = new WrappedModules(model, isLayer);
  }

  /** The name of the method in errors. */
  protected abstract readonly method: string;
  protected readonly goesOn: string = 'linear layers';

  /**
   * The layers that a configuration names. The model does not change.
   *
   * @param isGiven - whether the values come from elsewhere
   * @throws ArgumentError when the configuration does not fit one of them.
   */
  protected abstract targets(config: C, isGiven: boolean): Target<C, L>[];

  protected abstract addUpdate(target: Target<C, L>, name: string, start: UpdateStart): void;

  /** The tensors of one layer in an adapter's file, by PEFT's names. */
  protected abstract expectedOf(target: Target<C, L>): Iterable<[string, ExpectedTensor]>;

  add(name: string, config: C, start: AdapterStart): C {
    checkBiasesFree(config, this.configs);
    const saved = this.saved.check(config);
    const targets = this.targets(config, start === 'empty');
    for (const { path } of targets) {
      if (saved.has(path))
        throw new ArgumentError(`'${path}' is a target, and an entry of modulesToSave is the end of its name: choose one`);
    }
    this.checkTargets(config, targets);
    for (const [field, entries] of idleEntries(new Map(this.model.namedModules()), config)) {
      if (entries.length > 0) warn(`${field} has ${entries.map(shown).join(', ')}, which does nothing here: no module matches it`);
    }
    checkAdapterMemory(name, this.expectedTensors(config));
    for (const [index, target] of targets.entries()) {
      const isNew = target.layer.updates.size === 0;
      const isEmpty = start === 'empty';
      this.addUpdate(target, name, { isEmpty, seed: deriveSeed(isEmpty ? 0 : start.seed, index) });
      if (isNew) this.wrapped.replace(target.path, target.layer);
    }
    for (const part of this.parts) part.add(name, config);
    const leaves = leafNames(targets.map(({ path }) => path));
    const spelledOut = isAllLinear(config) ? this.withTargets(config, leaves) : config;
    this.configs.set(name, spelledOut);
    return spelledOut;
  }

  remove(name: string): void {
    for (const [path, layer] of this.layersOf(name)) {
      layer.deleteAdapter(name);
      if (layer.updates.size === 0) this.wrapped.replace(path, layer.baseLayer);
    }
    for (const part of this.parts) part.remove(name);
    this.configs.delete(name);
  }

  activate(names: readonly string[], trainable: readonly string[]): void {
    for (const part of this.parts) part.checkTogether(names);
    this.checkTogether(names);
    this.state.activeAdapters = names;
    for (const [, layer] of this.layers()) {
      for (const [name, { variables }] of layer.updates) for (const variable of variables) variable.trainable = trainable.includes(name);
    }
    for (const part of this.parts) part.train(trainable);
    for (const name of this.configs.keys()) for (const [, bias] of this.biases(name)) bias.trainable = trainable.includes(name);
  }

  act(names: readonly string[], isEnabled: boolean): void {
    this.state.activeAdapters = names;
    this.state.isEnabled = isEnabled;
  }

  leftInBase(name: string): LeftInBase[] {
    const biases = this.biases(name).map(([, bias]) => bias);
    return biases.length > 0 ? [{ what: 'its trained biases', biases }] : [];
  }

  dropoutSeeds(name: string): [string, tf.Variable][] {
    return this.layersOf(name).flatMap(([path, { updates }]): [string, tf.Variable][] => {
      const seed = updates.get(name)?.dropoutSeed;
      return seed ? [[path, seed]] : [];
    });
  }

  tensors(name: string): Map<string, AdapterTensor> {
    const tensors = new Map<string, AdapterTensor>();
    for (const [path, layer] of this.layersOf(name)) {
      for (const [leaf, tensor] of layer.fileTensors(name)) tensors.set(`${path}.${leaf}`, tensor);
    }
    for (const [path, variable] of this.biases(name)) tensors.set(path, { variable, layout: 'same' });
    for (const part of this.parts) for (const [path, tensor] of part.tensors(name)) tensors.set(path, tensor);
    return tensors;
  }

  expectedTensors(config: C): Map<string, ExpectedTensor> {
    const targets = this.targets(config, true);
    const expected = new Map<string, ExpectedTensor>();
    for (const target of targets) for (const [leaf, tensor] of this.expectedOf(target)) expected.set(`${target.path}.${leaf}`, tensor);
    const paths = targets.map(({ path }) => path);
    for (const [path, { shape }] of trainedBiases(this.model, config, paths)) expected.set(path, { shape });
    for (const part of this.parts) for (const [path, tensor] of part.expectedTensors(config)) expected.set(path, tensor);
    return expected;
  }

  /** The wrapped layers by path. */
  layers(): readonly [string, L][] {
    return this.wrapped.list();
  }

  /** The wrapped layers. */
  layerList(): L[] {
    return this.layers().map(([, layer]) => layer);
  }

  /** The layers with this adapter, by path. */
  layersOf(name: string): [string, L][] {
    return this.layers().filter(([, { updates }]) => updates.has(name));
  }

  readonly merging: Merging = {
    mergedAdapters: () => {
      const ofLayers = this.layerList().flatMap((layer) => layer.mergedAdapters);
      return [...new Set([...ofLayers, ...this.parts.flatMap((part) => part.mergedAdapters?.() ?? [])])];
    },
    merge: (names, options) => {
      this.checkTogether(names);
      checkMergeMemory(this.layerList(), names);
      for (const part of this.parts) part.merge?.(names, options);
      try {
        mergeLayers(this.layerList(), names, options);
      } catch (error) {
        for (const part of this.parts) part.unmerge?.();
        throw error;
      }
    },
    unmerge: () => {
      unmergeLayers(this.layerList());
      for (const part of this.parts) part.unmerge?.();
    },
  };

  unload({ keepsMerged }: { readonly keepsMerged: boolean }): void {
    const wasTied = hasTiedHead(this.model);
    for (const [path, layer] of this.layers()) {
      layer.forgetOriginal();
      for (const name of [...layer.updates.keys()]) layer.deleteAdapter(name);
      this.wrapped.replace(path, layer.baseLayer);
    }
    for (const part of this.parts) part.unload(keepsMerged);
    this.dispose();
    settleTiedHeads(this.model);
    if (wasTied && !hasTiedHead(this.model)) warn(UNTIED);
  }

  dispose(): void {}

  /** The configuration with `all-linear` replaced by the names of this model. */
  protected withTargets(config: C, targetModules: readonly string[]): C {
    return changed<LayerConfig>(config, { targetModules }) as C;
  }

  /** @throws ArgumentError when these adapters cannot be active together. */
  protected checkTogether(_names: readonly string[]): void {}

  /** @throws UnsupportedError when the configuration also adapts these layers in another manner. */
  protected checkTargets(_config: C, _targets: readonly Target<C, L>[]): void {}

  /** The wrapper at a path, or a new one without adapters around the linear layer there. */
  protected layerAt(path: string, module: Module | undefined, wrap: (base: Projection) => L): L {
    if (this.isLayer(module)) return module;
    const refuse = (what: string): never => {
      throw new UnsupportedError(`${what}; ${this.method} cannot go on it too`);
    };
    if (module instanceof ModulesToSaveWrapper) refuse(`'${path}' is trained whole by ${[...module.copies.keys()].join(', ')}`);
    if (module instanceof TokenRows) refuse(`tokens of '${path}' are trained by ${module.adapterNames.join(', ')}`);
    if (isProjection(module)) return wrap(module);
    throw new UnsupportedError(`'${path}' is a ${module?.constructor.name}; ${this.method} goes on ${this.goesOn}`);
  }

  private biases(name: string): [string, tf.Variable][] {
    const config = this.configs.get(name);
    if (!config || !trainsBiases(config)) return [];
    const paths = this.layersOf(name).map(([path]) => path);
    return trainedBiases(this.model, config, paths);
  }
}

/** True for a linear layer, packed or not. */
function isProjection(module: Module | undefined): module is Projection {
  return module !== undefined && 'inFeatures' in module && 'outFeatures' in module;
}
