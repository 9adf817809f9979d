/** Starts the workers of a cluster as processes of this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { Done, Part, Told } from './part.ts';

/** A machine without npm packages has it in one file; see `tests/bench/gpu/bundle.mjs`. */
const WORKER = process.env.WORKER ?? 'tests/train/cluster/worker.ts';

/** What became of one run of a worker. */
export interface Run {
  /** The last step that it told of. */
  readonly step: number;
  /** How many updates the model had made when it told of each. */
  readonly made: readonly number[];
  /** When it told of the last, in seconds after the worker's start. */
  readonly stepAt: number;
  readonly done?: Done;
  readonly error?: { readonly code?: string; readonly message: string; readonly workers?: readonly number[] };
  /** When it told of its end, in seconds after the worker's start. */
  readonly told: number;
}

/** What became of a worker; its last run, or its only one, is itself. */
export interface Ended extends Run {
  /** All of its runs that began. */
  readonly runs: readonly Run[];
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to stderr. */
  readonly warned: string;
  /** How long it lived, in seconds. */
  readonly seconds: number;
}

/** Ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** `TF_CONFIG` of each worker, and its number on this machine, which is that of its GPU. */
export async function environments(count: number): Promise<Record<string, string>[]> {
  const worker = (await freePorts(count)).map((port) => `127.0.0.1:${port}`);
  return worker.map((_, index) => ({
    TF_CONFIG: JSON.stringify({ cluster: { worker }, task: { type: 'worker', index } }),
    LOCAL_RANK: String(index),
  }));
}

/** One run, or several, one after the other until one fails. */
export type Parts = Part | readonly Part[];
const listOf = (parts: Parts): readonly Part[] => [parts].flat();

/** A worker that runs. */
export interface Running {
  readonly process: ChildProcess;
  /** Fulfilled when its run of this number has told of this step. */
  reached(step: number, run?: number): Promise<void>;
  readonly ended: Promise<Ended>;
}

const NOTHING: Run = { step: 0, made: [], stepAt: 0, told: Number.NaN };

export function start(parts: Parts, environment: Record<string, string> = {}, command: readonly string[] = ['node']): Running {
  const [program = 'node', ...words] = [...command, '--no-warnings', WORKER, JSON.stringify(listOf(parts))];
  const begin = performance.now();
  const seconds = () => (performance.now() - begin) / 1000;
  const runs: Run[] = [];
  let run = NOTHING; // that is going on
  const waiting: { readonly isOver: () => boolean; readonly tell: () => void }[] = [];
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TF_NUM_INTRAOP_THREADS: '1', ...environment },
  });
  let warned = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    warned += chunk.toString();
    if (process.env.SHOW) process.stderr.write(chunk);
  });
  const follow = async (): Promise<Ended> => {
    const closed = once(child, 'close') as Promise<[number, NodeJS.Signals | null]>;
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      const said = JSON.parse(line) as Told | Pick<Run, 'done' | 'error'>;
      if ('step' in said) run = { ...run, step: said.step, made: [...run.made, said.made], stepAt: seconds() };
      else {
        runs.push({ ...run, ...said, told: seconds() });
        run = NOTHING;
      }
      for (const each of waiting) if (each.isOver()) each.tell();
    }
    const [, signal] = await closed;
    if (run !== NOTHING) runs.push(run);
    return { ...(runs.at(-1) ?? NOTHING), runs, signal, warned, seconds: seconds() };
  };
  const reached = (step: number, number = 0) => {
    const isOver = () => runs.length > number || (runs.length === number && run.step >= step);
    return new Promise<void>((tell) => void (isOver() ? tell() : waiting.push({ isOver, tell })));
  };
  return { process: child, ended: follow(), reached };
}

/** Starts one worker for each element. */
export async function startAll(parts: readonly Parts[]): Promise<Running[]> {
  const places = await environments(parts.length);
  return parts.map((part, rank) => start(part, places[rank]));
}

/** What became of them; a stopped one is killed when the others have ended. */
export async function allEnded(workers: readonly Running[], parts: readonly Parts[]): Promise<Ended[]> {
  const stopped = workers.filter((_, rank) => ['stop', 'hang'].includes(listOf(parts[rank] ?? []).at(-1)?.fault?.kind ?? ''));
  await Promise.all(workers.filter((worker) => !stopped.includes(worker)).map(({ ended }) => ended));
  for (const { process: child } of stopped) child.kill('SIGKILL');
  return Promise.all(workers.map(({ ended }) => ended));
}

/** Runs one worker for each element, to the end of all. */
export async function together(parts: readonly Parts[]): Promise<Ended[]> {
  return allEnded(await startAll(parts), parts);
}

/** The largest difference between the weights of two runs. */
export function difference(a: Done | undefined, b: Done | undefined): number {
  const names = new Set([...Object.keys(a?.weights ?? {}), ...Object.keys(b?.weights ?? {})]);
  if (names.size === 0) return Number.NaN;
  return Math.max(
    ...Array.from(names, (name) => {
      const [x, y] = [a?.weights[name] ?? [], b?.weights[name] ?? []];
      return x.length === y.length ? Math.max(...x.map((value, i) => Math.abs(value - (y[i] ?? Number.NaN)))) : Number.POSITIVE_INFINITY;
    }),
  );
}
