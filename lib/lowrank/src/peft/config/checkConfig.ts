/** Checks the fields that the configurations of several methods share. */
import { ArgumentError } from '../../runtime';
import { checkNames, checkNumber } from '../../runtime/checks/checkValues';
import { checkWhole } from '../../runtime/checks/checkWhole';
import { isAllLinear } from './targets';

/** @throws ArgumentError when it is not a share below 1. */
export function checkDropout(name: string, share: number): void {
  checkNumber(name, share);
  if (!(share >= 0 && share < 1)) throw new ArgumentError(`${name} ${share} is not in 0 ≤ p < 1`);
}

/** @throws ArgumentError when it is not a list of names. */
export function checkModulesToSave(names: readonly string[]): void {
  checkNames('modulesToSave', names);
  if (typeof names === 'string') throw new ArgumentError(`modulesToSave '${names}' is not a list of names`);
}

/** @throws ArgumentError when these are not layers' numbers, or the targets name the layers themselves. */
export function checkLayers(config: {
  readonly layersToTransform: readonly number[] | undefined;
  readonly targetModules: string | readonly string[];
}): void {
  const { layersToTransform, targetModules } = config;
  if (layersToTransform === undefined) return;
  if (!Array.isArray(layersToTransform)) throw new ArgumentError('layersToTransform is not a list of numbers');
  for (const layer of layersToTransform) checkWhole('layersToTransform', layer, 0);
  if (typeof targetModules === 'string' && !isAllLinear(config)) {
    throw new ArgumentError('layersToTransform goes with a list of targetModules; a regular expression names the layers itself');
  }
}
