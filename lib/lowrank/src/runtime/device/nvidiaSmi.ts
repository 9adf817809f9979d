import { execFileSync } from 'node:child_process';

/** A property of the first GPU of this process from the driver's tool, for example `name` or `compute_cap`; undefined without the tool. */
export function nvidiaSmi(field: string): string | undefined {
  const id = process.env.CUDA_VISIBLE_DEVICES?.split(',')[0]?.trim() || '0';
  try {
    const answer = execFileSync('nvidia-smi', [`--query-gpu=${field}`, '--format=csv,noheader', `--id=${id}`], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return answer.split('\n')[0]?.trim() || undefined;
  } catch {
    return undefined; // a container may have the card without the tool
  }
}
