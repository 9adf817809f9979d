/** The wrapped modules of a model. */
import type { Module } from '../../nn';

/**
 * Keeps a list of one kind of wrapper: walking a model takes longer than switching its adapters.
 *
 * Its fields are `#private`, so they do not count in the structure by which compiled functions distinguish models.
 */
export class WrappedModules<W extends Module> {
  readonly #model: Module;
  readonly #isWrapper: (module: Module) => module is W;
  #known: readonly [string, W][] | undefined;

  constructor(model: Module, isWrapper: (module: Module) => module is W) {
    this.#model = model;
    this.#isWrapper = isWrapper;
  }

  /** The wrappers by path. */
  list(): readonly [string, W][] {
    this.#known ??= [...this.#model.namedModules()].flatMap(([path, module]) =>
      this.#isWrapper(module) ? [[path, module] as [string, W]] : [],
    );
    return this.#known;
  }

  /** Replaces a module by its wrapper, or a wrapper by its module. */
  replace(path: string, module: Module): void {
    this.#model.replaceModule(path, module);
    this.#known = undefined;
  }
}
