import { expect, test } from 'vitest';
import { availableGpuMemory, availableHostMemory } from '../../../lib/lowrank/src/runtime/memory/availableMemory';

/** A machine with 8 GiB free. */
const MACHINE = {
  '/proc/meminfo': 'MemTotal: 16777216 kB\nMemAvailable:    8388608 kB\n',
  '/proc/self/status': 'VmSize:\t 1048576 kB\nVmData:\t 524288 kB\n',
};
const GIB = 2 ** 30;

function available(files: Readonly<Record<string, string>>) {
  const all: Readonly<Record<string, string>> = { ...MACHINE, ...files };
  return availableHostMemory((path) => all[path]);
}

test('what the machine has free, where nothing else limits', () => {
  expect(available({})).toEqual({ bytes: 8 * GIB, limit: 'the machine has free' });
});

test('a control group of version 2, with the pages of files that it holds, which are free to be taken', () => {
  const group = '/sys/fs/cgroup/job';
  const files = { '/proc/self/cgroup': '0::/job\n', [`${group}/memory.max`]: `${4 * GIB}\n`, [`${group}/memory.current`]: `${3 * GIB}\n` };
  expect(available(files)).toMatchObject({ bytes: GIB, limit: expect.stringContaining('control group') });
  expect(available({ ...files, [`${group}/memory.stat`]: `anon 5\ninactive_file ${GIB}\n` }).bytes).toBe(2 * GIB);
  expect(available({ ...files, [`${group}/memory.max`]: 'max\n' }).bytes).toBe(8 * GIB);
});

test('a control group above the own one, and one of version 1 whose path is the host’s', () => {
  const above = {
    '/proc/self/cgroup': '0::/pod/job\n',
    '/sys/fs/cgroup/pod/memory.max': `${GIB}`,
    '/sys/fs/cgroup/pod/memory.current': '0',
  };
  expect(available(above).bytes).toBe(GIB);
  const root = '/sys/fs/cgroup/memory';
  const older = {
    '/proc/self/cgroup': '4:memory:/docker/abc\n1:cpu:/\n',
    [`${root}/memory.limit_in_bytes`]: `${2 * GIB}`,
    [`${root}/memory.usage_in_bytes`]: `${GIB}`,
  };
  expect(available(older).bytes).toBe(GIB);
  expect(available({ ...older, [`${root}/memory.limit_in_bytes`]: '9223372036854771712' }).bytes).toBe(8 * GIB);
});

test('the limits of the process: address space and data', () => {
  const limits = 'Limit                     Soft Limit           Hard Limit           Units\n';
  const space = `${limits}Max data size             unlimited            unlimited            bytes\nMax address space         ${3 * GIB}           unlimited            bytes\n`;
  expect(available({ '/proc/self/limits': space })).toEqual({ bytes: 2 * GIB, limit: 'ulimit -v leaves' });
  expect(available({ '/proc/self/limits': `${limits}Max data size             ${GIB}           unlimited            bytes\n` }).bytes).toBe(
    GIB / 2,
  );
});

test('without any of these files it is what Node says', () => {
  expect(availableHostMemory(() => undefined).bytes).toBeGreaterThan(0);
});

test('a GPU has what nvidia-smi calls free', () => {
  expect(availableGpuMemory(() => '2048 MiB')).toEqual({ bytes: 2 * GIB, limit: 'the GPU has free' });
  expect(availableGpuMemory(() => undefined)).toBeUndefined();
  expect(availableGpuMemory(() => '[N/A]')).toBeUndefined();
});
