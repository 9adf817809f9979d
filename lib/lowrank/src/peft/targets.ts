/** Which modules of a model an adapter goes on: PEFT's matching of names. */
import { isLinearLayer, type Module, toSnakeCase } from '../nn';
import { ArgumentError } from '../runtime';
import { firstMatches, fullMatches } from './regularExpression';

/** What a configuration says about where its adapter goes; a method need not have all of it. */
export interface TargetOptions {
  readonly targetModules: string | readonly string[];
  readonly excludeModules?: string | readonly string[];
  readonly modulesToSave?: readonly string[];
  readonly layersToTransform?: readonly number[] | undefined;
}

/** A model's modules by their paths, as {@link Module.namedModules} lists them: to walk a model takes longer than to match its names. */
export type ModulePaths = ReadonlyMap<string, Module>;

/**
 * The paths of the modules that a configuration names, in the model's order.
 *
 * A list names ends of paths (`q_proj`, `self_attn.q_proj`), a string is a regular expression for the whole path.
 *
 * @throws ArgumentError when nothing matches; the message lists the names that there are.
 */
export function targetPaths(modules: ModulePaths, config: TargetOptions): string[] {
  const paths = adaptablePaths(modules);
  const targets = isAllLinear(config) ? linearPaths(modules) : pathsNamed(config.targetModules, paths);
  const excluded = new Set([...pathsNamed(config.excludeModules ?? [], paths), ...pathsInside(config.modulesToSave ?? [], paths)]);
  // As in PEFT, a whole path in the list (`lm_head`) is taken whatever layersToTransform says.
  const isWhole = (path: string) =>
    typeof config.targetModules !== 'string' && config.targetModules.some((name) => toSnakeCase(name) === path);
  const chosen = targets.filter((path) => (isWhole(path) || isChosenLayer(config, path)) && !excluded.has(path));
  if (chosen.length === 0) throw new ArgumentError(nothingMatched(targets.length > 0, config, paths));
  return chosen;
}

/** True for the shorthand that stands for every linear layer but the head. */
export function isAllLinear({ targetModules }: TargetOptions): boolean {
  return typeof targetModules === 'string' && targetModules.toLowerCase() === 'all-linear';
}

/** The model's own modules: not the base layers and copies that adapters keep inside theirs. */
export function adaptablePaths(modules: ModulePaths): string[] {
  return [...modules.keys()].filter((path) => path !== '' && !isInsideAdapter(path));
}

/** True for the base layers and copies that adapters keep inside their wrappers. */
export function isInsideAdapter(path: string): boolean {
  return INSIDE_ADAPTER.test(path);
}

/** True when the path is, or ends in, one of the names. */
export function isNamed(names: readonly string[], path: string): boolean {
  return names.some((name) => `.${path}`.endsWith(`.${toSnakeCase(name)}`));
}

/** The values that a rank or alpha pattern gives these paths, or the fallback; the first key that matches counts. */
export function patternValues(pattern: Readonly<Record<string, number>>, paths: readonly string[], fallback: number): number[] {
  const keys = Object.keys(pattern);
  const found = firstMatches(
    keys.map((key) => `^(?:.*\\.)?(?:${key})$`),
    paths,
  );
  return found.map((index) => Object.values(pattern)[index] ?? fallback);
}

/** The last names of the modules that can be named as targets, each once. */
export function leafNames(paths: readonly string[]): string[] {
  return [...new Set(paths.map(leafName))].filter((name) => !/^\d+$/.test(name));
}

/** `q_proj` of `model.layers.0.self_attn.q_proj`. */
export function leafName(path: string): string {
  return path.split('.').at(-1) ?? path;
}

const INSIDE_ADAPTER = /(^|\.)(base_layer|original_module|modules_to_save)(\.|$)/;

function pathsNamed(names: string | readonly string[], paths: readonly string[]): string[] {
  return typeof names === 'string' ? fullMatches(names, paths) : paths.filter((path) => isNamed(names, path));
}

/** Every linear layer but the head, whether or not it is adapted already. */
function linearPaths(modules: ModulePaths): string[] {
  const paths: string[] = [];
  for (const [path, module] of modules) {
    const own = path.replace(/\.base_layer$/, '');
    if (isLinearLayer(module) && own !== 'lm_head' && !isInsideAdapter(own)) paths.push(own);
  }
  return paths;
}

function isChosenLayer({ layersToTransform }: TargetOptions, path: string): boolean {
  if (layersToTransform === undefined) return true;
  const index = /^.*?\.[^.]*\.(\d+)\./.exec(path)?.[1]; // the first numbered part is the decoder layer
  return index !== undefined && layersToTransform.includes(Number(index));
}

/** The modules of these names, and everything in them. */
function pathsInside(names: readonly string[], paths: readonly string[]): string[] {
  const parts = names.map((name) => `.${toSnakeCase(name)}.`);
  return paths.filter((path) => parts.some((part) => `.${path}.`.includes(part)));
}

function nothingMatched(wasNarrowed: boolean, config: TargetOptions, paths: readonly string[]): string {
  const wanted = JSON.stringify(config.targetModules);
  if (wasNarrowed) return `targetModules ${wanted} match, but excludeModules, layersToTransform and modulesToSave leave none of them`;
  return `targetModules ${wanted} match no module; this model has ${leafNames(paths).join(', ')}`;
}
