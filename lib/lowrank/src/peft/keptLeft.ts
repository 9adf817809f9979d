/** What adapters that are gone have left in a base, which another PeftModel of it must know too. */
import type { Module } from '../nn';
import type { LeftInBase } from './tuner';

/** What the adapter of this name has left. */
export interface Left extends LeftInBase {
  readonly name: string;
}

const kept = new WeakMap<Module, Map<string, Left>>();

/** Keeps what adapters leave when they are deleted or taken off. */
export function keepLeft(model: Module, lefts: readonly Left[]): void {
  const ofModel = kept.get(model) ?? new Map<string, Left>();
  kept.set(model, ofModel);
  for (const left of lefts) {
    const key = `${left.name} ${left.what}`;
    const biases = left.biases && [...new Set([...(ofModel.get(key)?.biases ?? []), ...left.biases])];
    ofModel.set(key, { ...left, biases });
  }
}

export function leftOn(model: Module): Left[] {
  return [...(kept.get(model)?.values() ?? [])];
}

/** Forgets it where adapters are merged for good: the base is a new model then. */
export function forgetLeft(model: Module): void {
  kept.delete(model);
}

/** One sentence per adapter. */
export function sentences(lefts: readonly Left[]): string[] {
  return Array.from(new Set(lefts.map(({ name }) => name)), (name) => {
    const whats = new Set(lefts.flatMap((left) => (left.name === name ? left.what : [])));
    return `'${name}' leaves ${[...whats].join(' and ')} in the base`;
  });
}
