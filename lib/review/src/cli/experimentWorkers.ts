/** Several processes for one experiment, spread over the machine's GPUs: a small model does not fill one alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { givenGpus, withoutOptions } from 'lowrank/internal';

/** Runs this command in `count` processes, which share its work folder, and waits for all of them. Returns what failed, if any did. */
export async function runWorkers(count: number): Promise<string | undefined> {
  const words = workerWords(process.argv.slice(1), count);
  const gpus = givenGpus();
  const ends = Array.from({ length: count }, async (_, index) => {
    const gpu = gpus[index % gpus.length];
    const env = { ...process.env, ...(gpu !== undefined && { CUDA_VISIBLE_DEVICES: gpu }) };
    const worker = spawn(process.execPath, [...process.execArgv, ...words], { stdio: ['ignore', 'ignore', 'inherit'], env });
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
