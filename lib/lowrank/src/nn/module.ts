/** A tree of layers, with the names that Hugging Face uses for its parts. */
import { ArgumentError, StateError, tf } from '../runtime';
import { checkReplacement } from './checkReplacement';
import type { ModuleKind } from './moduleKind';

/** Totals of a module's parameters. */
export interface ParameterCount {
  readonly total: number;
  readonly trainable: number;
}

/**
 * The base of every layer: its parts are its own properties.
 *
 * A property that holds a Module, or an array of Modules, is a child; one that holds a `tf.Variable` is a parameter.
 * Paths are Hugging Face's: `selfAttn.qProj.weight` is named `self_attn.q_proj.weight`.
 */
export abstract class Module {
  /** Its kind: only a module of the same kind can replace it. @defaultValue none; your own layers need no kind */
  get kind(): ModuleKind | undefined {
    return undefined;
  }

  /** The direct children, by Hugging Face's name. */
  *namedChildren(): IterableIterator<[string, Module]> {
    for (const [property, value] of Object.entries(this)) {
      const name = toSnakeCase(property);
      if (value instanceof Module) yield [name, value];
      else if (Array.isArray(value)) {
        for (const [index, item] of value.entries()) if (item instanceof Module) yield [`${name}.${index}`, item];
      }
    }
  }

  /** This module and everything below it, parents first; this module's own path is `prefix`. */
  *namedModules(prefix = ''): IterableIterator<[string, Module]> {
    yield [prefix, this];
    for (const [name, child] of this.namedChildren()) yield* child.namedModules(join(prefix, name));
  }

  /** Every parameter of this module and of those below it. */
  *namedParameters(prefix = ''): IterableIterator<[string, tf.Variable]> {
    for (const [path, module] of this.namedModules(prefix)) {
      for (const [name, variable] of module.ownParameters()) yield [join(path, name), variable];
    }
  }

  /** The parameters of this module itself; a layer that does not keep them in its properties overrides this. */
  *ownParameters(): IterableIterator<[string, tf.Variable]> {
    for (const [property, value] of Object.entries(this)) if (value instanceof tf.Variable) yield [toSnakeCase(property), value];
  }

  /** Modules that this one uses and others own: their owners list their parameters, but gradients through this module reach them. */
  *borrowedParts(): IterableIterator<Module> {}

  /**
   * The fields that decide a forward pass, by name: a compiled function distinguishes modules by them.
   *
   * All enumerable fields, unless a layer overrides this: if a setting were missing, a program for another value would answer. Make a field
   * that decides nothing, such as a counter, private (`#calls`), which excludes it.
   */
  *compiledFields(): IterableIterator<readonly [string, unknown]> {
    yield* Object.entries(this);
  }

  /** The number of parameters in each own variable; a layer with packed storage overrides this, because its words are not values. */
  *ownSizes(): IterableIterator<readonly [variable: tf.Variable, size: number]> {
    for (const [, variable] of this.ownParameters()) yield [variable, variable.size];
  }

  /** The parameters that an optimizer may change. */
  *trainableParameters(): Iterable<[string, tf.Variable]> {
    for (const [path, variable] of this.namedParameters()) if (variable.trainable) yield [path, variable];
  }

  /** Makes every parameter untrainable. */
  freeze(): this {
    for (const [, variable] of this.namedParameters()) variable.trainable = false;
    return this;
  }

  /**
   * Replaces the module at `path`, for example a projection by a LoRA layer around it.
   *
   * @throws ArgumentError when nothing is at `path`, or the replacement has another kind; ShapeError when it has other widths.
   */
  replaceModule(path: string, replacement: Module): void {
    if (!this.replaceBelow(path, replacement)) {
      throw new ArgumentError(`no module '${path}' in this model; its modules are listed by namedModules()`);
    }
  }

  /** Frees every parameter of this module and of those below it; the module cannot be used afterwards. */
  dispose(): void {
    for (const [, child] of this.namedChildren()) child.dispose();
    for (const [, variable] of this.ownParameters()) if (!variable.isDisposed) variable.dispose(); // tied parameters appear twice
  }

  /** Follows the path only: adapting a model layer by layer would otherwise spend most of its time walking the whole tree. */
  private replaceBelow(path: string, replacement: Module, whole = path): boolean {
    for (const [property, value] of Object.entries(this)) {
      const here = toSnakeCase(property);
      if (value instanceof Module && here === path) {
        checkReplacement(whole, value, replacement);
        return Reflect.set(this, property, replacement);
      }
      if (!Array.isArray(value)) continue;
      const index = value.findIndex((item, i) => item instanceof Module && `${here}.${i}` === path);
      if (index < 0) continue;
      checkReplacement(whole, value[index], replacement);
      return Reflect.set(value, index, replacement);
    }
    for (const [name, child] of this.namedChildren()) {
      if (path.startsWith(`${name}.`) && child.replaceBelow(path.slice(name.length + 1), replacement, whole)) return true;
    }
    return false;
  }
}

/** @throws StateError when the module's parameters were freed. */
export function checkAlive(module: Module): void {
  const [[, first] = []] = module.namedParameters();
  if (first?.isDisposed) throw new StateError('this model was disposed of: load it again');
}

/** Counts the parameters of a module. A variable with two names (tied embeddings) counts once. */
export function countParameters(module: Module): ParameterCount {
  const sizes = new Map<tf.Variable, number>();
  for (const [, part] of module.namedModules()) for (const [variable, size] of part.ownSizes()) sizes.set(variable, size);
  let total = 0;
  let trainable = 0;
  for (const [variable, size] of sizes) {
    total += size;
    if (variable.trainable) trainable += size;
  }
  return { total, trainable };
}

/** A cache of names: trees are walked at every step. */
const snakeCases = new Map<string, string>();

/** `qProj` → `q_proj`, `layers` → `layers`; Hugging Face's names stay unchanged. */
export function toSnakeCase(name: string): string {
  const known = snakeCases.get(name);
  if (known !== undefined) return known;
  const made = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  snakeCases.set(name, made);
  return made;
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`;
}
