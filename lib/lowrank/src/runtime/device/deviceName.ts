import os from 'node:os';
import { deviceInfo } from './deviceInfo';
import { nvidiaSmi } from './nvidiaSmi';

/** The name of the device, for example `NVIDIA H200`, from the GPU's driver or the operating system. */
export function deviceName(): string {
  const { device } = deviceInfo();
  return (device === 'GPU' ? nvidiaSmi('name') : os.cpus()[0]?.model.trim()) || device;
}
