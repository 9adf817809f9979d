/** Which modules of a model an adapter goes on: PEFT's matching of names. */
import { Linear, type Module, toSnakeCase } from '../nn';
import { ArgumentError } from '../runtime';
import type { LoraConfig } from './config';

/**
 * The paths of the modules that a LoRA configuration names, in the model's order.
 *
 * A list names ends of paths (`q_proj`, `self_attn.q_proj`), a string is a regular expression for the whole path.
 *
 * @throws ArgumentError when nothing matches; the message lists the names that there are.
 */
export function loraTargets(model: Module, config: LoraConfig): string[] {
  const paths = [...model.namedModules()].map(([path]) => path).filter((path) => path !== '' && !isInsideAdapter(path));
  const targets = isAllLinear(config.targetModules) ? linearPaths(model) : paths.filter((path) => matches(config.targetModules, path));
  const chosen = targets.filter(
    (path) => isChosenLayer(config, path) && !matches(config.excludeModules, path) && !isSavedWhole(config, path),
  );
  if (chosen.length === 0) throw new ArgumentError(nothingMatched(targets.length > 0, config, model));
  return chosen;
}

/** True when the path is, or ends in, one of the names, or matches the expression as a whole. */
export function matches(names: string | readonly string[], path: string): boolean {
  if (typeof names === 'string') return new RegExp(`^(?:${names})$`).test(path);
  return names.map(toSnakeCase).some((name) => path === name || path.endsWith(`.${name}`));
}

/** The value that a rank or alpha pattern gives this path, or the fallback. */
export function patternValue(pattern: Readonly<Record<string, number>>, path: string, fallback: number): number {
  for (const [key, value] of Object.entries(pattern)) {
    if (new RegExp(`^(?:.*\\.)?(?:${key})$`).test(path)) return value;
  }
  return fallback;
}

/** The last names of the modules that can be named as targets, each once. */
export function leafNames(model: Module): string[] {
  const names = [...model.namedModules()].filter(([path]) => path !== '').map(([path]) => path.split('.').at(-1) ?? path);
  return [...new Set(names)].filter((name) => !/^\d+$/.test(name) && name !== 'base_layer');
}

function isAllLinear(names: string | readonly string[]): boolean {
  return typeof names === 'string' && names.toLowerCase() === 'all-linear';
}

/** Every linear layer but the head, whether or not it is adapted already. */
function linearPaths(model: Module): string[] {
  const paths: string[] = [];
  for (const [path, module] of model.namedModules()) {
    if (module instanceof Linear && path !== 'lm_head') paths.push(path.replace(/\.base_layer$/, ''));
  }
  return paths;
}

function isInsideAdapter(path: string): boolean {
  return path.split('.').includes('base_layer');
}

function isChosenLayer({ layersToTransform }: LoraConfig, path: string): boolean {
  if (layersToTransform === undefined) return true;
  const index = /^.*?\.[^.]*\.(\d+)\./.exec(path)?.[1]; // the first numbered part is the decoder layer
  return index !== undefined && layersToTransform.includes(Number(index));
}

function isSavedWhole({ modulesToSave }: LoraConfig, path: string): boolean {
  return modulesToSave.map(toSnakeCase).some((name) => new RegExp(`(^|\\.)${name}($|\\.)`).test(path));
}

function nothingMatched(wasNarrowed: boolean, config: LoraConfig, model: Module): string {
  const wanted = JSON.stringify(config.targetModules);
  if (wasNarrowed) return `targetModules ${wanted} match, but excludeModules, layersToTransform and modulesToSave leave none of them`;
  return `targetModules ${wanted} match no module; this model has ${leafNames(model).join(', ')}`;
}
