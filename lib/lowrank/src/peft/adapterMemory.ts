/** Refusing adapters, and merges, that memory would not hold, before any of them is begun. */
import { checkMemory, type MemoryTerm, memoryPlan } from '../runtime/memory/memoryBudget';
import { sizeOf } from '../runtime/sizeOf';
import type { MergeableLayer } from './merge/mergeLayers';
import type { ExpectedTensor } from './tuner';

const FLOAT = 4; // bytes

/**
 * Adds up what a new adapter's tensors take; what its file carries along of the base is there already.
 *
 * @throws MemoryError naming the kinds of tensors that take the most.
 */
export function checkAdapterMemory(name: string, tensors: ReadonlyMap<string, ExpectedTensor>): void {
  const bytes = new Map<string, number>();
  for (const [path, { shape, isOptional }] of tensors) {
    if (isOptional) continue;
    const kind = kindOf(path);
    bytes.set(kind, (bytes.get(kind) ?? 0) + FLOAT * sizeOf(shape));
  }
  const terms = Array.from(bytes, ([kind, total]): MemoryTerm => ({ name: kind, bytes: total }));
  checkMemory(memoryPlan(terms), {
    what: `the adapter '${name}'`,
    remedy: 'Take a lower rank, a shorter prefix, fewer targetModules or layers, or fewer modulesToSave',
  });
}

/**
 * Adds up what merging takes: the merged weights, beside those that `unmergeAdapter` puts back.
 *
 * @throws MemoryError when it does not fit.
 */
export function checkMergeMemory(layers: readonly MergeableLayer[], names: readonly string[]): void {
  const sizes = layers
    .filter(({ updates }) => names.some((name) => updates.has(name)))
    .map(({ weightShape }) => FLOAT * sizeOf(weightShape));
  const terms = [
    { name: 'merged weights', bytes: sizes.reduce((sum, size) => sum + size, 0) },
    { name: 'the largest weight while it is computed', bytes: Math.max(0, ...sizes) },
  ];
  checkMemory(memoryPlan(terms), {
    what: `merging ${names.join(', ')}`,
    remedy: 'Leave the adapter unmerged, which computes the same, or free other models first',
  });
}

/** `lora_A`, `adaption_prompt`, `lora_magnitude_vector` …, or the name of a layer that is trained whole. */
function kindOf(path: string): string {
  const parts = path.split('.').filter((part) => part !== 'weight' && part !== 'default');
  return parts.at(-1) ?? path;
}
