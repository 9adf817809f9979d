/**
 * `make bench-gpu-scale`: workers with a GPU each, beside one worker and beside PyTorch's DistributedDataParallel.
 *
 * Usage: node scale.ts --python PYTHON --out FOLDER [--ours PROGRAM] [--peer PROGRAM] [--workers N] [--layers N] [--parts sums,same,…]
 * The file is written again after each part, so a run that is cut short keeps what it has.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { difference, environments, freePorts, start } from '../../train/cluster/workers.ts';
import { lossGap, TOLERANCE } from '../losses.ts';
import { gpuMachine } from './gpuMachine.ts';

const here = import.meta.dirname ?? '.';
const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    out: { type: 'string', default: 'build/bench' },
    ours: { type: 'string', default: join(here, 'ours.ts') },
    peer: { type: 'string', default: join(here, 'peer.py') },
    parts: { type: 'string' },
    workers: { type: 'string', default: '2' },
    layers: { type: 'string', default: '32' },
  },
});
const workers = Number(values.workers);
const LONGEST = 200_000; // ms, for one process
const PASS_THROUGH = { TF_CPP_MIN_LOG_LEVEL: '2', TF_FORCE_GPU_ALLOW_GROWTH: 'true', HF_HUB_OFFLINE: '1', NCCL_NVLS_ENABLE: '0' };

type Answer = Record<string, unknown> & { losses?: number[]; secondsPerStep?: number; error?: string };

const step = { layers: Number(values.layers), r: 16, batch: 4, tokens: 512, warmup: 2, steps: 18 };
const long = { ...step, batch: 2, tokens: 2048, steps: 10 };

const PARTS: Record<string, () => Promise<unknown>> = {
  sums: async () => ({
    nccl: await ours('sums', { steps: 30, communication: 'nccl' }, workers),
    ring: await ours('sums', { steps: 10, communication: 'ring' }, workers),
  }),
  oneGpu: async () => ({
    nccl: await ours('sums', { steps: 5, communication: 'nccl' }, 2, { LOCAL_RANK: '0' }),
    ring: await ours('sums', { steps: 5, communication: 'ring' }, 2, { LOCAL_RANK: '0' }),
  }),
  small,
  step: () => scaling(step),
  long: () => scaling(long),
  efficiency,
  same,
  otherForm: async () => ({ step: await peer('train', { ...step, compiled: true }, workers) }),
};

fs.mkdirSync(values.out, { recursive: true });
const results: Record<string, unknown> = {
  date: new Date().toISOString().slice(0, 10),
  machine: gpuMachine(),
  workers,
  shape: 'LLaMA-7B, weights by formula',
  layers: step.layers,
};
for (const name of values.parts?.split(',') ?? Object.keys(PARTS)) {
  const begin = performance.now();
  const result = (await PARTS[name]?.()) ?? { error: `there is no part '${name}'` };
  results[name] = { seconds: Math.round((performance.now() - begin) / 1000), ...(result as object) };
  fs.writeFileSync(join(values.out, 'gpu-scale.json'), `${JSON.stringify(results, null, 1)}\n`);
  process.stdout.write(`${name}: ${JSON.stringify(results[name]).slice(0, 3000)}\n`);
}

/** The same rows on each worker: one worker, all of them, and as many of PyTorch's. */
async function scaling(options: typeof step) {
  const one = await ours('train', options, 1);
  const all = await ours('train', options, workers);
  const peerAll = await peer('train', { ...options, compiled: true, compile: 'model' }, workers);
  return { one, all, peerAll, ...ratios(one, all, peerAll) };
}

function ratios(one: Answer, all: Answer, peerAll: Answer) {
  const seconds = ({ secondsPerStep = Number.NaN }: Answer) => secondsPerStep;
  const gap = lossGap(all.losses ?? [], peerAll.losses ?? []);
  return {
    efficiency: seconds(one) / seconds(all),
    peer: { lossGap: gap, timeCounts: gap <= TOLERANCE.bfloat16, timeRatio: seconds(all) / seconds(peerAll) },
  };
}

/** Both shapes in one call: one worker of each at the same time, on a GPU each; then all workers, and as many of PyTorch's, on one shape after the other. */
async function efficiency() {
  const [oneStep, oneLong] = await Promise.all([
    ours('train', step, 1, { CUDA_VISIBLE_DEVICES: '0' }),
    ours('train', long, 1, { CUDA_VISIBLE_DEVICES: '1' }),
  ]);
  const beside = async (options: typeof step, one: Answer) => {
    const all = await ours('train', options, workers);
    const peerAll = await peer('train', { ...options, compiled: true, compile: 'model' }, workers);
    return { one, all, peerAll, ...ratios(one, all, peerAll) };
  };
  return { step: await beside(step, oneStep), long: await beside(long, oneLong) };
}

/** The losses of all workers against those of one that adds up the same rows. */
async function same() {
  const all = await ours('train', { ...step, steps: 18 }, workers);
  const one = await ours('train', { ...step, steps: 18, batch: step.batch, accumulate: workers }, 1);
  const gap = lossGap(all.losses ?? [], one.losses ?? []);
  return { all: all.losses ?? all, one: one.losses ?? one, lossGap: gap, tolerance: TOLERANCE.bfloat16 };
}

/** A small model in float32: the adapter of all workers against that of one, and of a run that changes their number twice. */
async function small() {
  process.env.NVIDIA_TF32_OVERRIDE = '0';
  const directory = fs.mkdtempSync(join(tmpdir(), 'lowrank-scale-'));
  try {
    const run = async (count: number, part: Parameters<typeof start>[0]) => {
      const places = count === 1 ? [{}] : await environments(count);
      const ended = await Promise.all(places.map((place) => start(part, place).ended));
      return ended[0];
    };
    const one = await run(1, {});
    const all = await run(workers, {});
    const halves = [await run(workers, { directory, steps: 4 }), await run(1, { directory, steps: 8 }), await run(workers, { directory })];
    const told = (ended: typeof one) => ended?.done?.history.map(({ loss }) => loss) ?? ended;
    return {
      one: told(one),
      all: told(all),
      difference: difference(one?.done, all?.done),
      resumed: difference(one?.done, halves.at(-1)?.done),
      errors: [one, all, ...halves].flatMap((ended) => ended?.error ?? []),
    };
  } finally {
    delete process.env.NVIDIA_TF32_OVERRIDE;
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** The answer of worker 0; where a worker fails, the first that says why. */
async function ours(task: string, options: object, count: number, place: Record<string, string> = {}): Promise<Answer> {
  const places = count === 1 ? [{}] : await environments(count);
  const words = ['--disable-warning=ExperimentalWarning', values.ours, task];
  return firstOf(places.map((each) => answer(process.execPath, words, { ...options, workers: count }, { ...each, ...place })));
}

async function peer(task: string, options: object, count: number): Promise<Answer> {
  const [port] = await freePorts(1);
  const place = (rank: number) => ({
    MASTER_ADDR: '127.0.0.1',
    MASTER_PORT: String(port),
    WORLD_SIZE: String(count),
    RANK: String(rank),
    CUDA_VISIBLE_DEVICES: String(rank),
  });
  return firstOf(Array.from({ length: count }, (_, rank) => answer(values.python, [values.peer, task], options, place(rank))));
}

async function firstOf(running: readonly Promise<Answer>[]): Promise<Answer> {
  const answers = await Promise.all(running);
  return answers.find(({ error }) => error !== undefined) ?? answers[0] ?? { error: 'no worker' };
}

async function answer(command: string, words: string[], options: object, place: Record<string, string>): Promise<Answer> {
  const child = spawn(command, words, { env: { ...PASS_THROUGH, ...process.env, ...place }, timeout: LONGEST, killSignal: 'SIGKILL' });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk) => {
      said[name] += chunk;
    });
  }
  child.stdin.end(JSON.stringify(options));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  if (code !== 0) return { error: `ended with ${signal ?? code}: ${said.stderr.slice(-2000)}` };
  return JSON.parse(said.stdout.slice(said.stdout.lastIndexOf('\n{') + 1)) as Answer;
}
