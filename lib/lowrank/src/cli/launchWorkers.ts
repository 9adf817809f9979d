/** `--workers N`: runs a command as several workers of this machine, and all of them again when one is lost. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import nodePath from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { printableMessage } from '../runtime/messages/printable';
import { freePorts } from '../train/cluster/freePorts';
import { LAUNCHED } from './endWithLauncher';
import { LOST } from './exitCodes';
import type { Streams } from './streams';
import { UsageError } from './usageError';

/** What to run, and how often. */
export interface Launch {
  /** The words of the command, its name first. */
  readonly words: readonly string[];
  readonly workers: number;
  readonly maxRestarts: number;
  /** The processors to divide. */
  readonly cores: number;
  /** The GPUs, of which each worker gets one, as `CUDA_VISIBLE_DEVICES` names them; none where the workers compute on processors. */
  readonly gpus: readonly string[];
}

/** How a worker ended. */
interface End {
  readonly rank: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** After one has failed, the others get so long to say what they know, in milliseconds. */
const LAST_WORDS = 20_000;

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const PROGRAM = nodePath.join(__dirname, '../../bin/lowrank.js');

/** More than this only wait for each other. */
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
 * Returns 0 when all workers have come to their end, otherwise the exit code of the worker to blame. Workers go on from the last checkpoint when they
 * begin again; they do not when one of them has failed by itself, because it would again.
 */
export async function launchWorkers(launch: Launch, { stderr }: Pick<Streams, 'stderr'>): Promise<number> {
  for (let restarts = 0; ; restarts++) {
    const { ends, interrupt } = await runOnce(launch, stderr);
    if (interrupt) return stopBy(interrupt);
    const failed = ends.filter(({ code }) => code !== 0);
    if (failed.length === 0) return 0;
    const own = failed.find(({ code }) => code !== null && code !== LOST);
    if (own) return own.code ?? LOST;
    const told = failed.filter(({ signal }) => signal !== null).map(({ rank, signal }) => `worker ${rank} was ended by ${signal}`);
    const what = told.join(', ') || 'the workers lost each other';
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
async function runOnce(
  { words, workers, cores, gpus }: Launch,
  stderr: Streams['stderr'],
): Promise<{ readonly ends: readonly End[]; readonly interrupt?: NodeJS.Signals }> {
  const addresses = (await freePorts(workers)).map((port) => `127.0.0.1:${port}`);
  const children = addresses.map((_, rank) => {
    const task = JSON.stringify({ cluster: { worker: addresses }, task: { type: 'worker', index: rank } });
    const gpu = gpus[rank];
    const place = { TF_CONFIG: task, ...(gpu !== undefined && { CUDA_VISIBLE_DEVICES: gpu }) };
    return startWorker(rank, words, { ...place, ...threads(cores, workers) }, stderr);
  });
  let interrupt: NodeJS.Signals | undefined;
  const forward = (signal: NodeJS.Signals) => {
    interrupt = signal;
    for (const child of children) if (signal === 'SIGTERM') child.kill(signal); // a terminal sends SIGINT to all itself
  };
  for (const signal of SIGNALS) process.on(signal, forward);
  try {
    const ended = children.map(async (child, rank): Promise<End> => {
      const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
      return { rank, code, signal };
    });
    const all = Promise.all(ended);
    const failure = Promise.race(
      ended.map((end) => end.then(({ code }) => (code === 0 ? new Promise<never>(() => undefined) : undefined))),
    );
    await Promise.race([all, failure]);
    const time = new AbortController();
    await Promise.race([all, sleep(LAST_WORDS, undefined, { signal: time.signal }).catch(() => undefined)]);
    time.abort();
    for (const child of children) child.kill('SIGKILL'); // one that has ended is left alone
    return { ends: await all, ...(interrupt && { interrupt }) };
  } finally {
    for (const signal of SIGNALS) process.off(signal, forward);
  }
}

/** Worker 0 speaks for all; of the others one reads what goes wrong. */
function startWorker(rank: number, words: readonly string[], extra: NodeJS.ProcessEnv, stderr: Streams['stderr']): ChildProcess {
  const quiet = rank > 0 && !words.includes('--quiet') ? ['--quiet'] : [];
  const child = spawn(process.execPath, [PROGRAM, ...words, ...quiet], {
    stdio: rank === 0 ? ['ignore', 'inherit', 'inherit', 'ipc'] : ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, ...extra, [LAUNCHED]: '1' },
  });
  if (child.stderr) void tellLines(child.stderr, (line) => stderr.write(`worker ${rank}: ${printableMessage(line)}\n`));
  return child;
}

async function tellLines(stream: Readable, tell: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream })) tell(line);
}

/** The processors are divided, for each TensorFlow would take all; and it says nothing of lost connections, which our messages name. */
function threads(cores: number, workers: number): NodeJS.ProcessEnv {
  const { TF_NUM_INTRAOP_THREADS = String(Math.max(1, Math.floor(cores / workers))), TF_CPP_MIN_LOG_LEVEL = '2' } = process.env;
  return { TF_NUM_INTRAOP_THREADS, TF_CPP_MIN_LOG_LEVEL: TF_CPP_MIN_LOG_LEVEL === '2' ? '3' : TF_CPP_MIN_LOG_LEVEL };
}

/** Ends as the received signal would have ended this process. */
function stopBy(signal: NodeJS.Signals): number {
  process.kill(process.pid, signal);
  return LOST;
}

/** The words without these options and their values. */
export function withoutOptions(words: readonly string[], names: readonly string[]): string[] {
  const isOne = (word = '') => names.some((name) => word === `--${name}`);
  return words.filter((word, index) => !isOne(word) && !isOne(words[index - 1]) && !names.some((name) => word.startsWith(`--${name}=`)));
}
