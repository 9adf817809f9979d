import { execFileSync } from 'node:child_process';
import process from 'node:process';

/**
 * A property of the first GPU of this process, or of all GPUs of the machine, a line each, from the driver's tool, for example `name` or
 * `compute_cap`; undefined without the tool.
 */
export function nvidiaSmi(field: string, { ofAll = false } = {}): string | undefined {
  const id = process.env.CUDA_VISIBLE_DEVICES?.split(',')[0]?.trim() || '0';
  try {
    const words = [`--query-gpu=${field}`, '--format=csv,noheader', ...(ofAll ? [] : [`--id=${id}`])];
    const answer = execFileSync('nvidia-smi', words, { encoding: 'utf8', stdio: 'pipe' }).trim();
    return (ofAll ? answer : answer.split('\n')[0]?.trim()) || undefined;
  } catch {
    return undefined; // a container may have the card without the tool
  }
}
