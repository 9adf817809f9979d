/** `--workers N` of a command: its work is done by several processes of this machine. */
import os from 'node:os';
import { deviceInfo } from '../../runtime';
import { givenGpus } from '../../runtime/device/oneGpu';
import type { CommandArguments } from '../arguments/commandArguments';
import type { Streams } from '../streams';
import { UsageError } from '../usageError';
import { endWithLauncher } from './endWithLauncher';
import { checkWorkers, launchWorkers, withoutOptions } from './launchWorkers';

/** The command to run. */
interface Work {
  readonly command: string;
  /** How often all workers restart after one is lost; only for work that resumes from checkpoints. */
  readonly maxRestarts?: number;
}

/**
 * The exit code of the command where `--workers` asks for several; undefined where this process does the work itself, as one worker or alone.
 *
 * @throws UsageError when so many workers cannot all compute.
 */
export async function manyWorkers(args: CommandArguments, streams: Streams, { command, maxRestarts }: Work): Promise<number | undefined> {
  const workers = args.whole('workers') ?? 1;
  if (workers === 1) {
    endWithLauncher();
    return undefined;
  }
  const cores = os.availableParallelism();
  checkWorkers(workers, cores);
  const words = [command, ...withoutOptions(args.words, ['workers', 'max-restarts'])];
  return launchWorkers({ words, workers, maxRestarts, cores, gpus: gpusFor(workers) }, streams);
}

/** A GPU for each worker, where this machine computes on GPUs: NCCL refuses two workers on one. */
function gpusFor(workers: number): readonly string[] {
  if (deviceInfo().device !== 'GPU') return [];
  const gpus = givenGpus();
  if (gpus.length < workers) {
    throw new UsageError(
      `--workers ${workers}: there are ${gpus.length} GPUs, and each worker needs one; start as many, or set CUDA_VISIBLE_DEVICES= to compute on processors`,
    );
  }
  return gpus;
}
