/** Which of a machine's GPUs this process computes on: one. */

import { SetupError } from '../setupError';
import { nvidiaSmi } from './nvidiaSmi';

/** The variables by which torchrun, Open MPI and Slurm number the processes of one machine. */
const LOCAL_RANKS = ['LOCAL_RANK', 'OMPI_COMM_WORLD_LOCAL_RANK', 'SLURM_LOCALID'];

let all: string | undefined;

/**
 * Hides all GPUs but one from TensorFlow, which would take memory on each of them. Of several, it keeps the one with this process's number
 * on its machine, or the first. Takes effect only before the binding is loaded.
 *
 * @throws SetupError when there are fewer GPUs than processes: the others would compute on the CPU without a word.
 */
export function takeOneGpu(environment: NodeJS.ProcessEnv = process.env): void {
  all = environment.CUDA_VISIBLE_DEVICES;
  const visible = all?.split(',');
  if (visible && visible.length < 2) return; // chosen already, or none wanted
  const variable = LOCAL_RANKS.find((name) => /^\d+$/.test(environment[name] ?? ''));
  const rank = Number(environment[variable ?? ''] ?? 0);
  const count = visible?.length ?? (rank > 0 ? machineGpus().length : 0);
  if (count > 0 && rank >= count) {
    throw new SetupError(`${variable} is ${rank}, but there are ${count} GPUs: start one process for each GPU of a machine`);
  }
  environment.CUDA_VISIBLE_DEVICES = visible?.[rank]?.trim() ?? String(rank);
}

/** The GPUs that this process had before it took one, as `CUDA_VISIBLE_DEVICES` names them; empty on a machine without GPUs. */
export function givenGpus(): readonly string[] {
  if (all === undefined) return machineGpus();
  return all.split(',').flatMap((name) => name.trim() || []);
}

function machineGpus(): readonly string[] {
  return nvidiaSmi('index', { ofAll: true })?.split('\n') ?? [];
}
