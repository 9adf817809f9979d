/** The modules of a model that adapters wrapped. */
import type { Module } from '../../nn';

/**
 * Keeps a list of one kind of wrapper: to walk a model takes longer than to switch its adapters.
 *
 * Its fields are private to the language, so that they are no part of the form by which compiled functions know a model.
 */
export class WrappedModules<W extends Module> {
  readonly #model: Module;
  readonly #isWrapper: (module: Module) => module is W;
  #known: readonly [string, W][] | undefined;

  constructor(model: Module, isWrapper: (module: Module) => module is W) {
    this.#model = model;
    this.#isWrapper = isWrapper;
  }

  /** The wrappers, by their paths. */
  list(): readonly [string, W][] {
    this.#known ??= [...this.#model.namedModules()].flatMap(([path, module]) =>
      this.#isWrapper(module) ? [[path, module] as [string, W]] : [],
    );
    return this.#known;
  }

  /** Puts a wrapper where a module is, or a module where its wrapper is. */
  replace(path: string, module: Module): void {
    this.#model.replaceModule(path, module);
    this.#known = undefined;
  }
}
