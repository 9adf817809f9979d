/** Which PeftModel has its adapters on a model: one at a time, because the adapted layers share that one's state. */
import type { Module } from '../nn';
import { StateError } from '../runtime';
import { isInsideAdapter } from './targets';

const owners = new WeakMap<Module, object>();

/**
 * Checks that a model's layers belong to nobody else, also where it is another object around the same layers.
 *
 * @throws StateError when another PeftModel, or a wrapper that was put in by hand, has adapters on it.
 */
export function checkFree(model: Module, owner: object): void {
  for (const [path, module] of model.namedModules()) {
    const isTaken = (owners.get(module) ?? owner) !== owner;
    if (!isTaken && !isInsideAdapter(path)) continue;
    throw new StateError(
      'this model has adapters already: give the PeftModel that has them another one with addAdapter() or loadAdapter(), ' +
        `or take them off with its unload() first${path === '' ? '' : ` (found at '${path}')`}`,
    );
  }
}

/** Makes `owner` the one whose adapters are on the model. */
export function claim(model: Module, owner: object): void {
  for (const [, module] of model.namedModules()) owners.set(module, owner);
}

/** Leaves the model to the next. */
export function release(model: Module): void {
  for (const [, module] of model.namedModules()) owners.delete(module);
}

/** Whether somebody else has adapters on the model by now. */
export function isOwnedByAnother(model: Module, owner: object): boolean {
  return (owners.get(model) ?? owner) !== owner;
}
