/** Finds the modules for an adapter by PEFT's rules for names. */
import { isLinearLayer, type Module, toSnakeCase } from '../../nn';
import { ArgumentError } from '../../runtime';
import { fullMatches } from './regularExpression';

/** The fields of a configuration that choose modules; a method may lack some. */
export interface TargetOptions {
  readonly targetModules: string | readonly string[];
  readonly excludeModules?: string | readonly string[];
  readonly modulesToSave?: readonly string[];
  readonly layersToTransform?: readonly number[] | undefined;
}

/** A model's modules by path, as {@link Module.namedModules} lists them: walking a model takes longer than matching its names. */
type ModulePaths = ReadonlyMap<string, Module>;

/**
 * The paths of the modules that a configuration names, in the model's order.
 *
 * A list contains ends of paths (`q_proj`, `self_attn.q_proj`); a string is a regular expression for the whole path.
 *
 * @throws ArgumentError when nothing matches; the message lists the valid names.
 */
export function targetPaths(modules: ModulePaths, config: TargetOptions): string[] {
  const paths = adaptablePaths(modules);
  const targets = isAllLinear(config) ? linearPaths(modules) : pathsNamed(config.targetModules, paths);
  const excluded = new Set([...pathsNamed(config.excludeModules ?? [], paths), ...pathsInside(config.modulesToSave ?? [], paths)]);
  // As in PEFT, a whole path in the list (`lm_head`) matches regardless of layersToTransform.
  const isWhole = (path: string) =>
    typeof config.targetModules !== 'string' && config.targetModules.some((name) => toSnakeCase(name) === path);
  const chosen = targets.filter((path) => (isWhole(path) || isChosenLayer(config.layersToTransform, path)) && !excluded.has(path));
  if (chosen.length === 0) throw new ArgumentError(nothingMatched(targets.length > 0, config, paths));
  return chosen;
}

/** The entries of a configuration's lists that match nothing in the model, by field. */
export function idleEntries(modules: ModulePaths, config: TargetOptions): [field: keyof TargetOptions, entries: (string | number)[]][] {
  const { targetModules, excludeModules = [], layersToTransform = [] } = config;
  const paths = adaptablePaths(modules);
  const idle = (names: string | readonly string[]) =>
    typeof names === 'string' ? [] : names.filter((name) => pathsNamed([name], paths).length === 0);
  return [
    ['targetModules', idle(targetModules)],
    ['excludeModules', idle(excludeModules)],
    ['layersToTransform', layersToTransform.filter((index) => !paths.some((path) => isChosenLayer([index], path)))],
  ];
}

/** True for the shorthand for every linear layer except the head. */
export function isAllLinear({ targetModules }: TargetOptions): boolean {
  return typeof targetModules === 'string' && targetModules.toLowerCase() === 'all-linear';
}

/** The model's own modules, without the base layers and copies inside wrappers of adapters. */
export function adaptablePaths(modules: ModulePaths): string[] {
  return [...modules.keys()].filter((path) => path !== '' && !isInsideAdapter(path));
}

/** True for base layers and copies inside wrappers of adapters. */
export function isInsideAdapter(path: string): boolean {
  return INSIDE_ADAPTER.test(path);
}

/** True if the path is, or ends with, one of the names. */
export function isNamed(names: readonly string[], path: string): boolean {
  return names.some((name) => `.${path}`.endsWith(`.${toSnakeCase(name)}`));
}

/** The last names of all possible targets, each once. */
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

/** Every linear layer except the head, adapted or not. */
function linearPaths(modules: ModulePaths): string[] {
  const paths: string[] = [];
  for (const [path, module] of modules) {
    const own = path.replace(/\.base_layer$/, '');
    if (isLinearLayer(module) && own !== 'lm_head' && !isInsideAdapter(own)) paths.push(own);
  }
  return paths;
}

function isChosenLayer(layersToTransform: TargetOptions['layersToTransform'], path: string): boolean {
  if (layersToTransform === undefined) return true;
  const index = /^.*?\.[^.]*\.(\d+)\./.exec(path)?.[1]; // the first numbered part is the decoder layer
  return index !== undefined && layersToTransform.includes(Number(index));
}

/** The modules with these names, and everything in them. */
function pathsInside(names: readonly string[], paths: readonly string[]): string[] {
  const parts = names.map((name) => `.${toSnakeCase(name)}.`);
  return paths.filter((path) => parts.some((part) => `.${path}.`.includes(part)));
}

function nothingMatched(wasNarrowed: boolean, config: TargetOptions, paths: readonly string[]): string {
  const wanted = JSON.stringify(config.targetModules);
  if (wasNarrowed) return `targetModules ${wanted} match, but excludeModules, layersToTransform and modulesToSave leave none of them`;
  return `targetModules ${wanted} match no module; this model has ${leafNames(paths).join(', ')}`;
}
