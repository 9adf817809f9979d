/** Modules that adapters train and save as a whole, beside their updates. */
import { isEmbeddingLayer, type Module, tiedHeadOf, toSnakeCase } from '../../nn';
import { ArgumentError, UnsupportedError } from '../../runtime';
import { adaptablePaths, leafNames } from '../config/targets';
import type { AdapterTensor, ExpectedTensor } from '../tuner';
import type { AdapterState } from './adapterState';
import { expectedCopy, isSaveable, ModulesToSaveWrapper, type SaveableModule } from './modulesToSaveWrapper';
import { pathOfHead } from './tiedEnds';
import type { TunerPart } from './tunerPart';
import { WrappedModules } from './wrappedModules';

/** The fields of a configuration for these modules. */
interface SavedConfig {
  readonly modulesToSave: readonly string[];
  /** Whether a tied output layer follows the copy of the embedding. */
  readonly ensureWeightTying?: boolean;
}

/** Wraps the modules that `modulesToSave` names, each once, and adds a copy per adapter. */
export class ModulesToSave implements TunerPart<SavedConfig> {
  private readonly wrapped: WrappedModules<ModulesToSaveWrapper>;

  constructor(
    private readonly model: Module,
    private readonly state: AdapterState,
  ) {
    this.wrapped = new WrappedModules(model, (module) => module instanceof ModulesToSaveWrapper);
  }

  /**
   * The modules that a configuration names, by path. A name matches any end of a path, as in PEFT: `norm` matches every norm. For a block, such as
   * `mlp`, these are the layers in it: together they are its copy.
   *
   * @throws ArgumentError when a name matches nothing; UnsupportedError for a module without weights.
   */
  chosen({ modulesToSave }: SavedConfig): [string, SaveableModule | ModulesToSaveWrapper][] {
    if (modulesToSave.length === 0) return []; // before the model is walked
    const modules = new Map(this.model.namedModules());
    const paths = adaptablePaths(modules);
    const found = [...new Set(modulesToSave.map(toSnakeCase))].flatMap((name) => {
      const found = paths.filter((path) => path.endsWith(name));
      if (found.length === 0) throw new ArgumentError(`modulesToSave '${name}' matches no module; there is ${leafNames(paths).join(', ')}`);
      return found.flatMap((path) => {
        const inside = paths.flatMap((each): [string, SaveableModule | ModulesToSaveWrapper][] => {
          const module = modules.get(each);
          const isPart = each === path || each.startsWith(`${path}.`);
          return isPart && (module instanceof ModulesToSaveWrapper || isSaveable(module)) ? [[each, module]] : [];
        });
        if (inside.length > 0) return inside;
        throw new UnsupportedError(`'${path}' is a ${modules.get(path)?.constructor.name}, which cannot be trained and saved whole`);
      });
    });
    return [...new Map(found)]; // two names may mean one module
  }

  /** What it names, by path. @throws UnsupportedError when the tied output layer follows the embedding's copies of some adapters only. */
  check(config: SavedConfig): ReadonlyMap<string, unknown> {
    const chosen = new Map(this.chosen(config));
    for (const [path, module] of chosen) {
      if (!(module instanceof ModulesToSaveWrapper) || !isEmbeddingLayer(module.originalModule)) continue;
      const isFollowed = tiedHeadOf(module) !== undefined;
      if (isFollowed === ((config.ensureWeightTying ?? false) && (isFollowed || tiedHeadOf(module.originalModule) !== undefined))) continue;
      throw new UnsupportedError(
        `'${path}' is saved by ${[...module.copies.keys()].join(', ')} with ensureWeightTying ${isFollowed}: it is the same for every adapter`,
      );
    }
    return chosen;
  }

  add(name: string, config: SavedConfig): void {
    for (const [path, module] of this.chosen(config)) {
      const saved = module instanceof ModulesToSaveWrapper ? module : new ModulesToSaveWrapper(module, this.state);
      saved.addAdapter(name);
      if (saved === module) continue;
      this.wrapped.replace(path, saved);
      if (config.ensureWeightTying && isEmbeddingLayer(saved.originalModule)) tiedHeadOf(saved.originalModule)?.follow(saved);
    }
  }

  remove(name: string): void {
    for (const [path, saved] of this.modules()) {
      saved.deleteAdapter(name);
      if (saved.copies.size === 0) this.takeOff(path, saved, saved.originalModule);
    }
  }

  checkTogether(names: readonly string[]): void {
    for (const [path, { copies }] of this.modules()) {
      const both = names.filter((name) => copies.has(name));
      if (both.length > 1) throw new ArgumentError(`${both.join(' and ')} each have a copy of '${path}'; only one of them can be active`);
    }
  }

  train(names: readonly string[]): void {
    for (const [, { copies }] of this.modules()) {
      for (const [name, copy] of copies) for (const [, variable] of copy.ownParameters()) variable.trainable = names.includes(name);
    }
  }

  *tensors(name: string): IterableIterator<[string, AdapterTensor]> {
    for (const [path, saved] of this.modules()) {
      const head = tiedHeadOf(saved);
      for (const [leaf, tensor] of saved.fileTensors(name)) {
        yield [`${path}.${leaf}`, tensor];
        if (head) yield [`${pathOfHead(this.model, head)}.${leaf}`, tensor];
      }
    }
  }

  *expectedTensors(config: SavedConfig): IterableIterator<[string, ExpectedTensor]> {
    for (const [path, module] of this.chosen(config)) {
      const original = module instanceof ModulesToSaveWrapper ? module.originalModule : module;
      const head = config.ensureWeightTying && isEmbeddingLayer(original) ? (tiedHeadOf(module) ?? tiedHeadOf(original)) : undefined;
      for (const [leaf, tensor] of expectedCopy(original)) {
        yield [`${path}.${leaf}`, tensor];
        if (head) yield [`${pathOfHead(this.model, head)}.${leaf}`, tensor];
      }
    }
  }

  unload(keepsActing: boolean): void {
    for (const [path, saved] of this.modules()) {
      const left = keepsActing ? saved.acting : saved.originalModule;
      this.takeOff(path, saved, left);
      if (left !== saved.originalModule) tiedHeadOf(saved.originalModule)?.part(); // its table goes away now
      for (const module of [saved.originalModule, ...saved.copies.values()]) if (module !== left) module.dispose();
    }
  }

  modules(): readonly [string, ModulesToSaveWrapper][] {
    return this.wrapped.list();
  }

  /** Replaces the wrapper by this module; an output layer that used the wrapper's table uses this one's. */
  private takeOff(path: string, saved: ModulesToSaveWrapper, left: SaveableModule): void {
    if (isEmbeddingLayer(left)) tiedHeadOf(saved)?.follow(left);
    this.wrapped.replace(path, left);
  }
}
