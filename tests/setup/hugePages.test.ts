import { existsSync, readFileSync } from 'node:fs';
import { deviceInfo, tf } from 'lowrank';
import { expect, test } from 'vitest';

/** Sizes in KiB of the memory areas that this process has asked to be kept in huge pages. */
function advised(): number[] {
  const areas = readFileSync('/proc/self/smaps', 'utf8').split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/);
  return areas.filter((area) => /^VmFlags:.* hg\b/m.test(area)).map((area) => Number(/^Size:\s+(\d+) kB/m.exec(area)?.[1]));
}

const canAsk = existsSync('/sys/kernel/mm/transparent_hugepage') && deviceInfo().device === 'CPU';

test.runIf(canAsk)('the memory of large tensors is asked for in huge pages', () => {
  const weight = tf.fill([1024, 8192], 1).add(1); // 32 MiB
  expect(Math.max(0, ...advised())).toBeGreaterThan(24 * 1024);
  weight.dispose();
});
