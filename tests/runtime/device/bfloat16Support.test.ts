import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { listsBfloat16Products } from '../../../lib/lowrank/src/runtime/device/bfloat16Support';
import type { DeviceInfo } from '../../../lib/lowrank/src/runtime/device/deviceInfo';

describe('the instructions are found in /proc/cpuinfo', () => {
  test.each([
    [true, 'a Xeon of 2020 and a Zen 4', 'flags\t\t: fpu sse2 avx2 avx512f avx512bw avx512_bf16 clzero'],
    [true, 'a Xeon with tiles', 'flags\t\t: fpu avx2 avx512f amx_bf16 avx512_fp16 amx_tile amx_int8'],
    [false, 'a Xeon whose tiles are hidden', 'flags\t\t: fpu avx2 avx512f avx_vnni avx512_bf16 avx512_fp16'],
    [false, 'a Zen 3', 'flags\t\t: fpu sse2 avx avx2 fma f16c vaes'],
    [false, 'a Xeon with AVX-512 alone', 'flags\t\t: fpu avx2 avx512f avx512dq avx512bw avx512vl avx512_vnni'],
  ])('%s for %s', (expected, _, line) => {
    const processor = (index: number) => `processor\t: ${index}\nmodel name\t: avx512_bf16 in a name is none\n${line}\nbugs\t\t: sysret\n`;
    expect(listsBfloat16Products(`${processor(0)}\n${processor(1)}`)).toBe(expected);
  });

  test('and are not there where the file says nothing of instructions', () => {
    expect(listsBfloat16Products('')).toBe(false);
    expect(listsBfloat16Products('cpu\t: POWER9, altivec supported\n')).toBe(false);
  });
});

describe('a device multiplies in bfloat16', () => {
  let device: DeviceInfo['device'] = 'CPU';
  const read = vi.spyOn(fs, 'readFileSync');

  beforeEach(() => {
    vi.resetModules(); // the answer is kept
    vi.doMock('../../../lib/lowrank/src/runtime/device/deviceInfo', () => ({ deviceInfo: () => ({ device }) }));
    read.mockClear();
  });
  afterEach(() => {
    vi.doUnmock('../../../lib/lowrank/src/runtime/device/deviceInfo');
    read.mockReset();
  });

  async function answers(): Promise<boolean[]> {
    const { hasBfloat16Products } = await import('../../../lib/lowrank/src/runtime/device/bfloat16Support');
    return [hasBfloat16Products(), hasBfloat16Products()];
  }

  test('if it is a GPU, whatever the CPU beside it', async () => {
    device = 'GPU';
    read.mockReturnValue('flags\t\t: avx2\n');
    expect(await answers()).toEqual([true, true]);
  });

  test('if it is a CPU that says so, and the file is read once', async () => {
    device = 'CPU';
    read.mockReturnValue('flags\t\t: avx2 avx512_bf16\n');
    expect(await answers()).toEqual([true, true]);
    expect(read.mock.calls).toEqual([['/proc/cpuinfo', 'utf8']]);
  });

  test('but not if it is a CPU whose file cannot be read', async () => {
    device = 'CPU';
    read.mockImplementation(() => {
      throw new Error('ENOENT');
    });
    expect(await answers()).toEqual([false, false]);
  });
});
