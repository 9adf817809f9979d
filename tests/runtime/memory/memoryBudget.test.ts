import { ArgumentError, MemoryError } from 'lowrank';
import { afterEach, expect, test, vi } from 'vitest';
import { checkMemory, memoryBudget, memoryPlan } from '../../../lib/lowrank/src/runtime/memory/memoryBudget';

afterEach(() => vi.unstubAllEnvs());
const limit = (value: string) => vi.stubEnv('LOWRANK_MEMORY_LIMIT', value);
const REQUEST = { what: 'a large thing', remedy: 'Make it smaller' };
const plan = memoryPlan([
  { name: 'logits', bytes: 2e15 },
  { name: 'nothing', bytes: 0 },
  { name: 'weights', bytes: 5e15 },
  { name: 'moments', bytes: 1e15 },
  { name: 'crumbs', bytes: 1e9 },
]);

test('a plan has its largest term first, and none that is empty', () => {
  expect(plan.terms.map(({ name }) => name)).toEqual(['weights', 'logits', 'moments', 'crumbs']);
  expect(plan.bytes).toBe(8e15 + 1e9);
});

test('what does not fit is refused with its three largest terms, what to do, and how to go on anyway', () => {
  const refused = () => checkMemory(plan, REQUEST);
  expect(refused).toThrow(MemoryError);
  expect(refused).toThrow(
    /a large thing takes 8,000 TB .* weights 5,000 TB, logits 2,000 TB, moments 1,000 TB\. Make it smaller; or set LOWRANK_MEMORY_LIMIT/,
  );
  expect(refused).not.toThrow(/crumbs/);
});

test('a limit of one’s own counts for the whole process, and none lets everything through', () => {
  limit('8GB');
  expect(memoryBudget().bytes).toBeLessThan(8e9);
  expect(memoryBudget().bytes).toBeGreaterThan(4e9);
  limit('1 MiB');
  expect(() => checkMemory(memoryPlan([{ name: 'little', bytes: 10 }]), REQUEST)).toThrow(/LOWRANK_MEMORY_LIMIT=1 MiB leaves 0 MB/);
  limit('none');
  expect(() => checkMemory(plan, REQUEST)).not.toThrow();
});

test.each(['much', '8 GX', '-1GB', 'GB', '1e9'])('a limit that is no size is refused: %s', (value) => {
  limit(value);
  expect(() => checkMemory(plan, REQUEST)).toThrow(ArgumentError);
});
