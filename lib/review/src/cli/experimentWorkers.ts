/** Several processes for one experiment: a small model does not fill a GPU alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { withoutOptions } from 'lowrank/internal';

/** Runs this command in `count` processes, which share its work folder, and waits for all of them. Returns what failed, if any did. */
export async function runWorkers(count: number): Promise<string | undefined> {
  const words = workerWords(process.argv.slice(1), count);
  const ends = Array.from({ length: count }, async () => {
    const worker = spawn(process.execPath, [...process.execArgv, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code, signal] = (await once(worker, 'exit')) as [number | null, string | null];
    return code === 0 ? undefined : `exit ${code ?? signal}`;
  });
  const failed = (await Promise.all(ends)).filter((end) => end !== undefined);
  if (failed.length === 0) return undefined;
  return `${failed.length} of ${count} processes failed (${failed.join(', ')}); what they finished is kept, and the same command goes on`;
}

/** The words of this command without `--workers`, as those of one worker. */
export function workerWords(words: readonly string[], count: number): string[] {
  return [...withoutOptions(words, ['workers']), '--worker', String(count)];
}
