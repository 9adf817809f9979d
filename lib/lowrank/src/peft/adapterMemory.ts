/** Refuses adapters and merges that would not fit into memory, before they begin. */
import { checkMemory, type MemoryTerm, memoryPlan } from '../runtime/memory/memoryBudget';
import { sizeOf } from '../runtime/sizeOf';
import type { MergeableLayer } from './merge/mergeLayers';
import type { ExpectedTensor } from './tuner';

const FLOAT = 4; // bytes

/**
 * Sums up the tensors of a new adapter; the parts of the base in its file already exist.
 *
 * @throws MemoryError with the kinds of tensors that need the most memory.
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
 * Sums up the memory of merging: the merged weights, beside those that `unmergeAdapter` restores.
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

/** `lora_A`, `adaption_prompt`, `lora_magnitude_vector` …, or the name of a fully trained layer. */
function kindOf(path: string): string {
  const parts = path.split('.').filter((part) => part !== 'weight' && part !== 'default');
  return parts.at(-1) ?? path;
}
