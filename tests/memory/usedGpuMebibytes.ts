import { execFileSync } from 'node:child_process';

/** What all processes take of the first GPU of this one, in MiB; undefined without a GPU. */
export function usedGpuMebibytes(): number | undefined {
  const id = process.env.CUDA_VISIBLE_DEVICES?.split(',')[0] || '0';
  try {
    const words = ['--query-gpu=memory.used', '--format=csv,noheader,nounits', `--id=${id}`];
    return Number.parseInt(execFileSync('nvidia-smi', words, { encoding: 'utf8', stdio: 'pipe' }), 10);
  } catch {
    return undefined;
  }
}
