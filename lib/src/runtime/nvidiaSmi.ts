import { execFileSync } from 'node:child_process';

/** What the driver's own tool says of the first GPU, for example its `name` or `compute_cap`; undefined where there is no such tool. */
export function nvidiaSmi(field: string): string | undefined {
  try {
    const answer = execFileSync('nvidia-smi', [`--query-gpu=${field}`, '--format=csv,noheader'], { encoding: 'utf8', stdio: 'pipe' });
    return answer.split('\n')[0]?.trim() || undefined;
  } catch {
    return undefined; // a container may have the card without the tool
  }
}
