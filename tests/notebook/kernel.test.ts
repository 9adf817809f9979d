import { createRequire } from 'node:module';
import { describe, expect, it, onTestFinished } from 'vitest';
import { isKernelAttached } from '../../lib/notebook/src/kernel';

describe('the kernel connection', () => {
  it('finds in the real tslab the field that it relies on', () => {
    const require = createRequire(import.meta.url);
    const tslab = require('tslab/dist/jupyter') as Record<string, unknown>;
    onTestFinished(() => {
      delete require.cache[require.resolve('tslab/dist/jupyter')]; // other files of this process attach a kernel of their own
    });
    expect(tslab).toHaveProperty('lastWriteDisplayData', null); // set once a cell runs
    expect(isKernelAttached()).toBe(false);
    const exported = Object.getOwnPropertyDescriptor(tslab, 'lastWriteDisplayData');
    expect(exported?.writable).toBe(true);
  });
});
