import { execFileSync } from 'node:child_process';
import os from 'node:os';
import { deviceInfo } from './deviceInfo';

/** The name of what tensors are computed on, for example `NVIDIA H200`: as the GPU's driver tells it, or the operating system. */
export function deviceName(): string {
  const { device } = deviceInfo();
  if (device === 'CPU') return os.cpus()[0]?.model.trim() || device;
  try {
    const names = execFileSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], { encoding: 'utf8', stdio: 'pipe' });
    return names.split('\n')[0]?.trim() || device;
  } catch {
    return device; // a container may have the card without the tool
  }
}
