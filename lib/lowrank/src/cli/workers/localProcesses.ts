/** Processes of this machine that do one command's work, and end with the one that started them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { printableMessage } from '../../runtime/messages/printable';
import type { Streams } from '../streams';
import { LAUNCHED } from './endWithLauncher';

/** A process to start. */
export interface LocalProcess {
  /** The words after `node`. */
  readonly words: readonly string[];
  /** Variables to add to those of this process. */
  readonly environment: NodeJS.ProcessEnv;
}

export interface End {
  /** Its index, from 0. */
  readonly rank: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How all of them ended, and the signal that this process was asked to end by meanwhile. */
export interface Ends {
  readonly ends: readonly End[];
  readonly interrupt?: NodeJS.Signals;
}

interface RunOptions {
  readonly stderr: Streams['stderr'];
  /** Milliseconds that the others have to end by themselves after one has failed. @defaultValue as long as they need */
  readonly lastWords?: number;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Starts all processes and waits until they end. The output of the first is shown, and only the errors of the others. Signals are passed on
 * to them. If this process is killed, those that call `endWithLauncher` end too.
 */
export async function runLocalProcesses(processes: readonly LocalProcess[], { stderr, lastWords }: RunOptions): Promise<Ends> {
  const children = processes.map((each, rank) => startProcess(rank, each, stderr));
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
    if (lastWords !== undefined) {
      await Promise.race([all, failureIn(ended)]);
      await waitAtMost(lastWords, all);
      for (const child of children) child.kill('SIGKILL'); // one that has ended is left alone
    }
    return { ends: await all, ...(interrupt && { interrupt }) };
  } finally {
    for (const signal of SIGNALS) process.off(signal, forward);
  }
}

/** Ends this process as the received signal would have ended it. */
export function endBy(signal: NodeJS.Signals): void {
  process.kill(process.pid, signal);
}

function startProcess(rank: number, { words, environment }: LocalProcess, stderr: Streams['stderr']): ChildProcess {
  const child = spawn(process.execPath, words, {
    stdio: rank === 0 ? ['ignore', 'inherit', 'inherit', 'ipc'] : ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, ...environment, [LAUNCHED]: '1' },
  });
  if (child.stderr) void tellLines(child.stderr, (line) => stderr.write(`worker ${rank}: ${printableMessage(line)}\n`));
  return child;
}

async function tellLines(stream: Readable, tell: (line: string) => void): Promise<void> {
  for await (const line of createInterface({ input: stream })) tell(line);
}

/** Resolves when the first of them fails. */
function failureIn(ended: readonly Promise<End>[]): Promise<unknown> {
  return Promise.race(ended.map((end) => end.then(({ code }) => (code === 0 ? new Promise<never>(() => undefined) : undefined))));
}

async function waitAtMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const time = new AbortController();
  await Promise.race([work, sleep(milliseconds, undefined, { signal: time.signal }).catch(() => undefined)]);
  time.abort();
}
