import { expect, test, vi } from 'vitest';

/** The library's compiler, as a process has it that loads the library a second time. */
async function freshCopy() {
  vi.resetModules();
  return import('../../../../lib/lowrank/src/runtime');
}

test('two copies of the library in one process define functions beside each other', async () => {
  const copies = [await freshCopy(), await freshCopy()];
  expect(copies[0]?.compile).not.toBe(copies[1]?.compile);
  const sums = copies.map(({ compile, tf }, index) => {
    const grown = compile((x: ReturnType<typeof tf.scalar>) => x.add(index + 1), { name: 'grown' });
    return tf.tidy(() => grown(tf.scalar(10)).dataSync()[0]);
  });
  expect(sums).toEqual([11, 12]);
});
