/** Several processes for one experiment: a small model does not fill a GPU alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { StateError } from 'lowrank';

/**
 * Runs this command in `count` processes, which share its work folder, and waits for all of them.
 *
 * @throws StateError when one of them fails.
 */
export async function runWorkers(count: number): Promise<void> {
  const words = workerWords(process.argv.slice(1));
  const ends = Array.from({ length: count }, async () => {
    const worker = spawn(process.execPath, [...process.execArgv, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
    const [code, signal] = (await once(worker, 'exit')) as [number | null, string | null];
    return code === 0 ? undefined : `exit ${code ?? signal}`;
  });
  const failed = (await Promise.all(ends)).filter((end) => end !== undefined);
  if (failed.length > 0)
    throw new StateError(`${failed.length} of ${count} processes failed (${failed.join(', ')}); their finished cells are kept`);
}

/** The words of this command without `--workers`, as those of one worker. */
export function workerWords(words: readonly string[]): string[] {
  const kept = words.filter((word, place) => !/^--workers(=|$)/.test(word) && words[place - 1] !== '--workers');
  return [...kept, '--worker'];
}
