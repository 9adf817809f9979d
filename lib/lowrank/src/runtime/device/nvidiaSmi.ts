import { execFileSync } from 'node:child_process';

/** What the driver's own tool says of the first GPU that this process sees, for example its `name` or `compute_cap`; undefined where there is no such tool. */
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
