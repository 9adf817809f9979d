/** What a GPU result was measured on: a class of machine, never its name. TensorFlow is not asked, for it would take its part of the card. */
import { spawnSync } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';

export function gpuMachine(): string {
  const cards = spawnSync('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader'], { encoding: 'utf8' }).stdout?.trim();
  return `${cards || 'no GPU'}, ${availableParallelism()} CPU cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
}
