import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { isKernelAttached } from '../../lib/notebook/src/kernel';

describe('the kernel connection', () => {
  it('finds in the real tslab the field that it relies on', () => {
    const tslab = createRequire(import.meta.url)('tslab/dist/jupyter') as Record<string, unknown>;
    expect(tslab).toHaveProperty('lastWriteDisplayData', null); // set once a cell runs
    expect(isKernelAttached()).toBe(false);
    const exported = Object.getOwnPropertyDescriptor(tslab, 'lastWriteDisplayData');
    expect(exported?.writable).toBe(true);
  });
});
