/** `--workers N`: runs a command as several workers of this machine, and all of them again when one is lost. */
import nodePath from 'node:path';
import process from 'node:process';
import { printableMessage } from '../../runtime/messages/printable';
import { freePorts } from '../../train/cluster/join/freePorts';
import { LOST } from '../exitCodes';
import type { Streams } from '../streams';
import { UsageError } from '../usageError';
import { type Ends, endBy, type LocalProcess, runLocalProcesses } from './localProcesses';

/** The command to run, and how often to restart it. */
interface Launch {
  /** The words of the command, its name first. */
  readonly words: readonly string[];
  readonly workers: number;
  /** Undefined for work that has no checkpoints to go on from. */
  readonly maxRestarts: number | undefined;
  /** The processors to divide. */
  readonly cores: number;
  /** The GPUs, of which each worker gets one, as `CUDA_VISIBLE_DEVICES` names them; none where the workers compute on processors. */
  readonly gpus: readonly string[];
}

/** Milliseconds that the other workers have to report what they know after one has failed. */
const LAST_WORDS = 20_000;

const PROGRAM = nodePath.join(__dirname, '../../../bin/lowrank.js');

/** More workers only wait for each other. */
const MOST_PER_CORE = 4;

/** @throws UsageError when so many workers cannot all compute: each is a process that loads the whole model. */
export function checkWorkers(workers: number, cores: number): void {
  const most = MOST_PER_CORE * cores;
  if (workers <= most) return;
  throw new UsageError(
    `--workers ${workers}: each loads the whole model, and this machine has ${cores} processor cores; give at most ${most}`,
  );
}

/**
 * Returns 0 when all workers finish, otherwise the exit code of the worker to blame. Restarted workers continue from the last checkpoint.
 * If a worker failed by itself, none is restarted, because it would fail again.
 */
export async function launchWorkers(launch: Launch, { stderr }: Pick<Streams, 'stderr'>): Promise<number> {
  for (let restarts = 0; ; restarts++) {
    const { ends, interrupt } = await runOnce(launch, stderr);
    if (interrupt) {
      endBy(interrupt);
      return LOST;
    }
    const failed = ends.filter(({ code }) => code !== 0);
    if (failed.length === 0) return 0;
    const own = failed.find(({ code }) => code !== null && code !== LOST);
    if (own) return own.code ?? LOST;
    const told = failed.filter(({ signal }) => signal !== null).map(({ rank, signal }) => `worker ${rank} was ended by ${signal}`);
    const what = told.join(', ') || 'the workers lost each other';
    if (launch.maxRestarts === undefined) {
      stderr.write(`${printableMessage(`${what}; run the command again`)}\n`);
      return LOST;
    }
    if (restarts === launch.maxRestarts) {
      stderr.write(
        `${printableMessage(`${what}; given up after ${restarts} restarts; the same command goes on from the last checkpoint`)}\n`,
      );
      return LOST;
    }
    stderr.write(`${printableMessage(`${what}; restart ${restarts + 1} of ${launch.maxRestarts}, from the last checkpoint`)}\n`);
  }
}

/** Starts all workers and waits for their ends; when one fails, the others are killed unless they end soon. */
async function runOnce({ words, workers, cores, gpus }: Launch, stderr: Streams['stderr']): Promise<Ends> {
  const addresses = (await freePorts(workers)).map((port) => `127.0.0.1:${port}`);
  const processes = addresses.map((_, rank): LocalProcess => {
    const task = JSON.stringify({ cluster: { worker: addresses }, task: { type: 'worker', index: rank } });
    const gpu = gpus[rank];
    const place = { TF_CONFIG: task, ...(gpu !== undefined && { CUDA_VISIBLE_DEVICES: gpu }) };
    const quiet = rank > 0 && !words.includes('--quiet') ? ['--quiet'] : []; // worker 0 speaks for all
    return { words: [PROGRAM, ...words, ...quiet], environment: { ...place, ...threads(cores, workers) } };
  });
  return runLocalProcesses(processes, { stderr, lastWords: LAST_WORDS });
}

/** Divides the processors, because each TensorFlow would take all, and hides its remarks on lost connections, which our messages name. */
function threads(cores: number, workers: number): NodeJS.ProcessEnv {
  const { TF_NUM_INTRAOP_THREADS = String(Math.max(1, Math.floor(cores / workers))), TF_CPP_MIN_LOG_LEVEL = '2' } = process.env;
  return { TF_NUM_INTRAOP_THREADS, TF_CPP_MIN_LOG_LEVEL: TF_CPP_MIN_LOG_LEVEL === '2' ? '3' : TF_CPP_MIN_LOG_LEVEL };
}

/** The words without these options and their values. */
export function withoutOptions(words: readonly string[], names: readonly string[]): string[] {
  const isOne = (word = '') => names.some((name) => word === `--${name}`);
  return words.filter((word, index) => !isOne(word) && !isOne(words[index - 1]) && !names.some((name) => word.startsWith(`--${name}=`)));
}
