/** Several processes for one experiment, spread over the machine's GPUs: a small model does not fill one alone. */
import { endBy, givenGpus, runLocalProcesses, type Streams, withoutOptions } from 'lowrank/internal';

/** Runs this command in `count` processes, which share its work folder, and waits for all of them. Returns a description of the failures, if any. */
export async function runWorkers(count: number, { stderr }: Pick<Streams, 'stderr'>): Promise<string | undefined> {
  const words = [...process.execArgv, ...workerWords(process.argv.slice(1), count)];
  const gpus = givenGpus();
  const processes = Array.from({ length: count }, (_, index) => {
    const gpu = gpus[index % gpus.length];
    return { words, environment: gpu === undefined ? {} : { CUDA_VISIBLE_DEVICES: gpu } };
  });
  const { ends, interrupt } = await runLocalProcesses(processes, { stderr });
  if (interrupt) endBy(interrupt);
  const failed = ends.filter(({ code }) => code !== 0).map(({ code, signal }) => `exit ${code ?? signal}`);
  if (failed.length === 0) return undefined;
  return `${failed.length} of ${count} processes failed (${failed.join(', ')}); finished results are kept, and the same command resumes`;
}

/** This command's arguments without `--workers`: those of one worker. */
export function workerWords(words: readonly string[], count: number): string[] {
  return [...withoutOptions(words, ['workers']), '--worker', String(count)];
}
