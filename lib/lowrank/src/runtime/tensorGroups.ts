/** What is done alike to many small tensors, in groups: a group is one compiled function, and groups of one form share it. */
import { chunks } from './chunks';

/** Enough for a GPU to have something to do, and few enough that a deeper model has more groups, not larger ones. */
const GROUP = 16;

/** Puts together, sixteen at a time and in the order given, what has the same key. */
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
