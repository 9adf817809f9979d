/** Starts the workers of a cluster as processes of this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { EvaluationRecord, StepRecord } from 'lowrank';
import type { Part } from './worker.ts';

/** A machine without npm packages has it in one file; see `tests/bench/gpu/bundle.mjs`. */
const WORKER = process.env.WORKER ?? 'tests/train/cluster/worker.ts';

/** What a run came to, in one worker. */
export interface Done {
  readonly history: readonly StepRecord[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly weights: Readonly<Record<string, readonly number[]>>;
  readonly tensors: number;
}

/** What became of a worker. */
export interface Ended {
  /** The last step that it told of. */
  readonly step: number;
  /** How many updates the model had made when it told of each. */
  readonly made: readonly number[];
  /** When it told of the last, in seconds after its start. */
  readonly stepAt: number;
  readonly done?: Done;
  readonly error?: { readonly code?: string; readonly message: string; readonly workers?: readonly number[] };
  readonly signal: NodeJS.Signals | null;
  /** What it wrote to stderr. */
  readonly warned: string;
  /** When it told of its end, in seconds after its start. */
  readonly told: number;
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

/** A worker that runs. */
export interface Running {
  readonly process: ChildProcess;
  /** Fulfilled when it has told of this step. */
  reached(step: number): Promise<void>;
  readonly ended: Promise<Ended>;
}

export function start(part: Part, environment: Record<string, string> = {}, command: readonly string[] = ['node']): Running {
  const [program = 'node', ...words] = [...command, '--no-warnings', WORKER, JSON.stringify(part)];
  const begin = performance.now();
  let step = 0;
  const waiting: { readonly for: number; readonly tell: () => void }[] = [];
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
    let stepAt = 0;
    const seconds = () => (performance.now() - begin) / 1000;
    const made: number[] = [];
    let told: Pick<Ended, 'done' | 'error' | 'told'> = { told: Number.NaN };
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      const said = JSON.parse(line) as { step?: number; made: number } & typeof told;
      if (said.step === undefined) told = { ...said, told: seconds() };
      else {
        [step, stepAt] = [said.step, seconds()];
        made.push(said.made);
      }
      for (const each of waiting) if (step >= each.for) each.tell();
    }
    const [, signal] = await closed;
    return { step, made, stepAt, ...told, signal, warned, seconds: seconds() };
  };
  const reached = (target: number) => new Promise<void>((tell) => void (step >= target ? tell() : waiting.push({ for: target, tell })));
  return { process: child, ended: follow(), reached };
}

/** Runs one worker for each part, to the end of all; a stopped one is killed when the others have ended. */
export async function together(parts: readonly Part[]): Promise<Ended[]> {
  const places = await environments(parts.length);
  const workers = parts.map((part, rank) => start(part, places[rank]));
  const stopped = workers.filter((_, rank) => ['stop', 'hang'].includes(parts[rank]?.fault?.kind ?? ''));
  await Promise.all(workers.filter((worker) => !stopped.includes(worker)).map(({ ended }) => ended));
  for (const { process: child } of stopped) child.kill('SIGKILL');
  return Promise.all(workers.map(({ ended }) => ended));
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
