/** Runs the same operation on many small tensors in groups: each group is one call, and groups of the same shapes share a program. */
import { chunks } from './chunks';
import { deviceInfo } from './device/deviceInfo';
import type { tf } from './device/tensorflow';

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

/**
 * Elements of a group to stack. On a CPU it has to stay in the cache: a group of a million takes more time than its members one by one. On
 * a GPU the copies cost little beside the calls of the host.
 */
const MOST_STACKED = { CPU: 2 ** 16, GPU: 2 ** 22 };

/** The same for tensors that become one operand, stacked: of large tensors fewer are in a group. */
export function groupsToStack<T>(all: readonly T[], keyOf: (one: T) => string, tensorOf: (one: T) => tf.Tensor): T[][] {
  const most = MOST_STACKED[deviceInfo().device];
  return groupsOfOneShape(all, keyOf).flatMap((group) => {
    const largest = Math.max(1, ...group.map((one) => tensorOf(one).size));
    return chunks(group, Math.max(1, Math.floor(most / largest)));
  });
}
