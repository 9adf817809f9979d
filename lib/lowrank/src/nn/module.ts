/** A tree of layers that knows its parts by the names Hugging Face gives them. */
import { ArgumentError, tf } from '../runtime';
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
  /** What may stand in its place: another of its kind. @defaultValue none; a layer of your own need not have one */
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

  /** The parameters of this module itself; a layer that does not keep them in its properties says here what they are. */
  *ownParameters(): IterableIterator<[string, tf.Variable]> {
    for (const [property, value] of Object.entries(this)) if (value instanceof tf.Variable) yield [toSnakeCase(property), value];
  }

  /** Modules of others that this one uses: their parameters are listed there, but a gradient through this one reaches them. */
  *borrowedParts(): IterableIterator<Module> {}

  /**
   * What of this module decides a forward pass, by name: what a compiled function tells modules apart by.
   *
   * Every enumerable field is, unless a layer says otherwise here: a setting that were left out would have an earlier program answer in its
   * place. A field that decides nothing, such as a counter, is best made private (`#calls`), which keeps it out.
   */
  *compiledFields(): IterableIterator<readonly [string, unknown]> {
    yield* Object.entries(this);
  }

  /** How many parameters each own variable stands for; a layer that stores them packed says here that words are not values. */
  *ownSizes(): IterableIterator<readonly [variable: tf.Variable, size: number]> {
    for (const [, variable] of this.ownParameters()) yield [variable, variable.size];
  }

  /** The parameters that an optimizer may change. */
  *trainableParameters(): Iterable<[string, tf.Variable]> {
    for (const [path, variable] of this.namedParameters()) if (variable.trainable) yield [path, variable];
  }

  /** Takes every parameter out of training. */
  freeze(): this {
    for (const [, variable] of this.namedParameters()) variable.trainable = false;
    return this;
  }

  /**
   * Puts `replacement` where the module at `path` is, for example a LoRA layer around a projection.
   *
   * @throws ArgumentError when nothing is at `path`, or when the replacement is of another kind; ShapeError when its widths are others.
   */
  replaceModule(path: string, replacement: Module): void {
    if (!this.replaceBelow(path, replacement)) {
      throw new ArgumentError(`no module '${path}' in this model; its modules are listed by namedModules()`);
    }
  }

  /** Frees every parameter of this module and of those below it; the module is of no use afterwards. */
  dispose(): void {
    for (const [, child] of this.namedChildren()) child.dispose();
    for (const [, variable] of this.ownParameters()) if (!variable.isDisposed) variable.dispose(); // tied ones are met twice
  }

  /** Goes down the path alone: a model is adapted layer by layer, and to walk it for each takes longer than all else. */
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

/** Counts the parameters of a module, each variable once even where two names share it (tied embeddings). */
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

/** Trees are walked at every step, and their names are few. */
const snakeCases = new Map<string, string>();

/** `qProj` → `q_proj`, `layers` → `layers`; names that already are Hugging Face's stay as they are. */
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
