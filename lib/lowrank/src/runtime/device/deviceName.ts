import os from 'node:os';
import { deviceInfo } from './deviceInfo';
import { nvidiaSmi } from './nvidiaSmi';

/** The name of what tensors are computed on, for example `NVIDIA H200`: as the GPU's driver tells it, or the operating system. */
export function deviceName(): string {
  const { device } = deviceInfo();
  return (device === 'GPU' ? nvidiaSmi('name') : os.cpus()[0]?.model.trim()) || device;
}
