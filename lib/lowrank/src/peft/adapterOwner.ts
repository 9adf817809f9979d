/** The PeftModel that owns the adapters of a model: one at a time, because the adapted layers share its state. */
import type { Module } from '../nn';
import { StateError } from '../runtime';
import { isInsideAdapter } from './config/targets';

const owners = new WeakMap<Module, object>();

/**
 * Checks that no other owner has adapters on a model's layers, also if another object wraps the same layers.
 *
 * @throws StateError when another PeftModel, or a wrapper inserted by hand, has adapters on it.
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

/** Makes `owner` the owner of the model's adapters. */
export function claim(model: Module, owner: object): void {
  for (const [, module] of model.namedModules()) owners.set(module, owner);
}

/** Releases the model for the next owner. */
export function release(model: Module): void {
  for (const [, module] of model.namedModules()) owners.delete(module);
}

export function isOwnedByAnother(model: Module, owner: object): boolean {
  return (owners.get(model) ?? owner) !== owner;
}
