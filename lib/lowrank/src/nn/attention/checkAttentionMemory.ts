import { isTracing, memoryPlan } from '../../runtime';
import { checkMemory } from '../../runtime/memory/memoryBudget';

/**
 * @param name - what the numbers are: scores, a mask, rotary tables
 * @throws MemoryError when as many float32 numbers do not fit, of which three copies exist at the peak. In a trace, nothing takes memory.
 */
export function checkAttentionMemory(what: string, name: string, numbers: number): void {
  if (isTracing()) return;
  checkMemory(memoryPlan([{ name, bytes: 12 * numbers }]), { what, remedy: 'Take fewer tokens at a time' });
}
