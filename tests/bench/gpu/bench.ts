/**
 * `make bench-gpu`: ours beside transformers + PEFT on one GPU, at the LLaMA-7B shape.
 *
 * Usage: node bench.ts --python PYTHON --out FOLDER [--ours PROGRAM] [--peer PROGRAM] [--parts step,decode,…] [--layers N] [--device cpu]
 * Each part's result is written as soon as it is there, so that a run that is cut short keeps what it has.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lossGap, TOLERANCE } from '../losses.ts';
import { gpuMachine } from './gpuMachine.ts';

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    out: { type: 'string', default: 'build/bench' },
    ours: { type: 'string', default: join(import.meta.dirname ?? '.', 'ours.ts') },
    peer: { type: 'string', default: join(import.meta.dirname ?? '.', 'peer.py') },
    parts: { type: 'string' },
    layers: { type: 'string', default: '32' },
    device: { type: 'string', default: 'cuda' },
  },
});
const out = values.out;
const layers = Number(values.layers);
mkdirSync(out, { recursive: true });

type Answer = Record<string, unknown> & { losses?: number[]; secondsPerStep?: number; error?: string };

const step = { layers, r: 16, batch: 4, tokens: 512, warmup: 2, steps: 18 };
const long = { ...step, batch: 2, tokens: 2048, steps: 8 };
const text = { layers, r: 16, batch: 1, tokens: 16, newTokens: 128, warmup: 2, steps: 5 };

/** What each part runs; a training part's losses are compared. */
const PARTS: Record<string, () => Record<string, Answer>> = {
  ceilings: () => ({ peer: peer('ceilings', {}) }),
  step: () => training(step, ['compiled']),
  'step-eager': () => ({ peerEager: peer('train', { ...step, compiled: false, steps: 8 }) }),
  'step-checkpointed': () => ({ ours: ours('train', { ...step, checkpointed: true, steps: 8 }) }),
  'step-long': () => training(long, ['compiled']),
  decode: () => ({ ours: ours('decode', text), peer: peer('decode', { ...text, warmup: 1, steps: 3 }) }),
  adapters: () => ({ ours: ours('adapters', step), peer: peer('adapters', step) }),
  attention: () => ({
    llama7b: ours('attention', { ...step, steps: 20 }),
    long: ours('attention', { ...long, steps: 20 }),
    grouped: ours('attention', { ...step, tokens: 320, attention: { heads: 9, keyValueHeads: 3, width: 64 } }),
  }),
  growth,
};

for (const name of values.parts?.split(',') ?? Object.keys(PARTS)) {
  const begin = performance.now();
  const result = PARTS[name]?.() ?? { error: { error: `there is no part '${name}'` } };
  const seconds = Math.round((performance.now() - begin) / 1000);
  const head = {
    date: new Date().toISOString().slice(0, 10),
    machine: gpuMachine(),
    shape: 'LLaMA-7B, weights by formula',
    layers,
    seconds,
  };
  writeFileSync(join(out, `gpu-${name}.json`), `${JSON.stringify({ ...head, ...result }, null, 1)}\n`);
  process.stdout.write(`${name} (${seconds} s): ${JSON.stringify(shortened(result))}\n`);
}

function training(options: object, forms: readonly 'compiled'[]): Record<string, Answer> {
  const mine = ours('train', options);
  const theirs = Object.fromEntries(forms.map((form) => [form, peer('train', { ...options, compiled: form === 'compiled' })]));
  const gap = lossGap(mine.losses ?? [], theirs.compiled?.losses ?? []);
  const ratio = (mine.secondsPerStep ?? Number.NaN) / (theirs.compiled?.secondsPerStep ?? Number.NaN);
  return {
    ours: mine,
    ...theirs,
    comparison: { lossGap: gap, tolerance: TOLERANCE.bfloat16, timeCounts: gap <= TOLERANCE.bfloat16, timeRatio: ratio },
  };
}

/** Seconds a step against layers, tokens and rank, one of them changed at a time. */
function growth(): Record<string, Answer> {
  const few = { ...step, layers: Math.min(8, layers), warmup: 2, steps: 16 };
  const vary = (name: 'layers' | 'tokens' | 'r', all: readonly number[]): [string, Answer] => {
    const seconds = all.map((value) => ours('train', { ...few, [name]: value }).secondsPerStep ?? null);
    return [name, { values: all, secondsPerStep: seconds as unknown as number }];
  };
  return Object.fromEntries([
    vary(
      'layers',
      [2, 4, 8, 16, 32].filter((count) => count <= layers),
    ),
    vary('tokens', [256, 512, 1024, 2048]),
    vary('r', [4, 16, 64]),
  ]);
}

function ours(task: string, options: object): Answer {
  return answer(process.execPath, ['--disable-warning=ExperimentalWarning', values.ours, task], options);
}

function peer(task: string, options: object): Answer {
  return answer(values.python, [values.peer, task], options);
}

/** What the process printed; a failure is a result too, with the end of what it said. */
function answer(command: string, args: string[], options: object): Answer {
  const environment = {
    TF_CPP_MIN_LOG_LEVEL: '2',
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    TOKENIZERS_PARALLELISM: 'false',
    HF_HUB_OFFLINE: '1',
  };
  const run = spawnSync(command, args, {
    input: JSON.stringify({ ...options, device: values.device }),
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    env: { ...environment, ...process.env },
  });
  if (run.status !== 0) return { error: `ended with ${run.signal ?? run.status}: ${run.stderr?.slice(-3000) ?? run.error}` };
  return JSON.parse(run.stdout.slice(run.stdout.lastIndexOf('\n{') + 1));
}

function shortened(result: Record<string, Answer>): object {
  return Object.fromEntries(
    Object.entries(result).map(([name, { losses, newIds, ...rest }]) => [
      name,
      { ...rest, ...(losses && { loss: [losses[0], losses.at(-1)] }) },
    ]),
  );
}
