/** `make bench-scale`: steps and sums of 1, 2 and 4 workers that divide the cores of this machine, and what follows for many machines. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import nodePath from 'node:path';
import { parseArgs } from 'node:util';
import { environments } from '../../train/cluster/workers.ts';
import { describeMachine } from '../machine.ts';
import { median } from '../task.ts';
import { costs, gradientBytes, limits, SHAPES, type Shape } from './model.ts';

const { values } = parseArgs({ options: { out: { type: 'string' }, rounds: { type: 'string', default: '3' } } });
const out = values.out ?? 'build/bench/scale.json';
const cores = availableParallelism();
/** Processes that wanted a core before this began: with more than none the times are not those of a quiet machine. */
const loadBefore = loadavg()[0];
const ROWS = 8;
const STEPS = 8;
const GRADIENTS = gradientBytes(SHAPES[0] as Shape) / 4; // of LLaMA-7B with r = 16
const SMALL = 1024;

interface Answer {
  readonly times: readonly number[];
  readonly sums: readonly { readonly size: number; readonly seconds: readonly number[] }[];
  readonly loss: number;
  readonly parameters: number;
}

/** Worker i of n gets its share of the cores; of more workers than cores several share one. */
function coresOf(rank: number, count: number): string {
  const each = Math.max(1, Math.floor(cores / count));
  const first = count <= cores ? rank * each : rank % cores;
  return `${first}-${first + each - 1}`;
}

async function run(count: number): Promise<Answer[]> {
  const places = await environments(count);
  const options = JSON.stringify({ rows: ROWS, steps: STEPS, sums: [SMALL, GRADIENTS] });
  return Promise.all(
    places.map(async (place, rank) => {
      const words = ['-c', coresOf(rank, count), process.execPath, '--no-warnings', 'tests/bench/scale/worker.ts', options];
      const threads = { TF_NUM_INTRAOP_THREADS: String(Math.max(1, Math.floor(cores / count))) };
      const child = spawn('taskset', words, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...threads, ...place } });
      let said = '';
      child.stdout.on('data', (chunk) => {
        said += chunk;
      });
      const [code] = (await once(child, 'close')) as [number | null];
      if (code !== 0) throw new Error(`worker ${rank} of ${count} ended with ${code}`);
      return JSON.parse(said.slice(said.lastIndexOf('\n{') + 1)) as Answer;
    }),
  );
}

const WORKERS = [1, 2, 4];
const answers = new Map<number, Answer[]>(WORKERS.map((count) => [count, []]));
for (let round = 0; round < Number(values.rounds); round++) {
  for (const count of WORKERS) answers.get(count)?.push(...(await run(count))); // by turns, for the machine is not quiet
}

/** Of worker 0's point of view: the quickest and the median. */
const steps = WORKERS.map((workers) => {
  const times = (answers.get(workers) ?? []).flatMap(({ times: each }) => each);
  return {
    workers,
    rows: ROWS,
    seconds: { least: Math.min(...times), median: median(times) },
    losses: [...new Set(answers.get(workers)?.map(({ loss }) => loss))],
  };
});
const whole = steps[0]?.seconds.least ?? Number.NaN;
const sums = WORKERS.slice(1).flatMap((workers) =>
  [SMALL, GRADIENTS].map((size) => {
    const seconds = (answers.get(workers) ?? []).flatMap(({ sums: each }) =>
      each.filter((sum) => sum.size === size).flatMap((sum) => sum.seconds),
    );
    return {
      workers,
      bytes: 4 * size,
      sentPerWorker: Math.round(((2 * (workers - 1)) / workers) * 4 * size),
      seconds: { least: Math.min(...seconds), median: median(seconds) },
    };
  }),
);
const small = sums.find(({ workers, bytes }) => workers === 2 && bytes === 4 * SMALL);
const hop = (small?.seconds.least ?? Number.NaN) / 2; // two workers: two steps around the ring

const gpu = JSON.parse(fs.readFileSync('tests/bench/results/gpu/step.json', 'utf8')) as {
  machine: string;
  ours: { secondsPerStep: number };
};
const stepOf = ({ parameters }: Shape) => gpu.ours.secondsPerStep * (parameters / (SHAPES[0]?.parameters ?? Number.NaN));
const points = [...costs(stepOf, 0), ...costs(stepOf, hop)];
const model = {
  step: {
    machine: gpu.machine,
    tokens: 4 * 512,
    from: 'LLaMA-7B: gpu/step.json, measured; the other shape: the same, by the number of weights',
  },
  hop,
  limits: limits(points),
  points,
};
const result = {
  date: new Date().toISOString().slice(0, 10),
  machine: describeMachine(),
  loadBefore,
  parameters: answers.get(1)?.[0]?.parameters,
  steps: steps.map((step) => ({ ...step, efficiency: whole / step.seconds.least })),
  sums,
  model,
};
fs.mkdirSync(nodePath.dirname(out), { recursive: true });
fs.writeFileSync(out, `${JSON.stringify(result, undefined, 1)}\n`);
for (const { workers, seconds, efficiency } of result.steps)
  console.log(
    `${workers} workers: ${(1000 * seconds.least).toFixed(0)} ms a step (median ${(1000 * seconds.median).toFixed(0)}), ${(100 * efficiency).toFixed(0)} % of one process on all cores`,
  );
for (const { workers, bytes, seconds } of sums)
  console.log(
    `${workers} workers: ${bytes} bytes summed in ${(1000 * seconds.least).toFixed(2)} ms (median ${(1000 * seconds.median).toFixed(2)})`,
  );
console.log(`written to ${out}`);
