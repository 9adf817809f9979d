import { nvidiaSmi } from '../../lib/lowrank/dist/runtime/device/nvidiaSmi.js';

/** What all processes take of the first GPU of this one, in MiB; undefined without a GPU. */
export function usedGpuMebibytes(): number | undefined {
  const used = nvidiaSmi('memory.used');
  return used === undefined ? undefined : Number.parseInt(used, 10);
}
