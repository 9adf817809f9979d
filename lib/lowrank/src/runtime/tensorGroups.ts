/** Runs the same operation on many small tensors in groups: each group is one call, and groups of the same shapes share a program. */
import { chunks } from './chunks';

/** Enough work for a GPU, and few enough that a deeper model has more groups and not larger ones. */
const GROUP = 16;

/** Groups items with the same key, up to sixteen each, in the given order. */
export function groupsOfOneShape<T>(all: readonly T[], keyOf: (one: T) => string): T[][] {
  const kinds = new Map<string, T[]>();
  for (const one of all) {
    const key = keyOf(one);
    const kind = kinds.get(key);
    if (kind) kind.push(one);
    else kinds.set(key, [one]);
  }
  return [...kinds.values()].flatMap((kind) => chunks(kind, GROUP));
}
