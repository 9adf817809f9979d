/**
 * Kills and stops workers of a run at random moments, many times, and compares what comes out with a run that nothing happened to:
 * `make faults`, or `node longFaults.ts FAULTS WORKERS SEED OUTPUT [MINUTES]`.
 */
import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Part } from './part.ts';
import { difference, type Ended, environments, type Running, start } from './workers.ts';

/** One fault, and how the others noticed it. */
interface Fault {
  readonly rank: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  /** The last update that the worker told of. */
  readonly step: number;
  /** How long after it the last of the others ended with its error, in seconds. */
  readonly noticed: number;
  /** Whether all the others named the worker, and nobody else. */
  readonly isNamed: boolean;
}

const [faults = 50, workers = 3, seed = 1] = process.argv.slice(2, 5).map(Number);
const output = process.argv[5];
/** No more faults are begun after so many. */
const minutes = Number(process.argv[6] ?? Number.POSITIVE_INFINITY);
const STEPS = 12;
const TIMEOUT = 12;
const directory = fs.mkdtempSync(nodePath.join(os.tmpdir(), 'lowrank-faults-'));
let state = seed >>> 0 || 1;

/** Numbers below `end`, the same ones for the same seed (xorshift). */
function random(end: number): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % end;
}

async function launch(part: Part): Promise<Running[]> {
  return (await environments(workers)).map((place) => start(part, place));
}

async function oneFault(begun: number): Promise<{ readonly fault?: Fault; readonly ends: readonly Ended[]; readonly reached: number }> {
  const running = await launch({ directory, timeout: TIMEOUT });
  const rank = random(workers);
  const signal = random(2) === 0 ? 'SIGKILL' : 'SIGSTOP';
  const target = Math.min(STEPS - 1, begun + 1 + random(3));
  const victim = running[rank] as Running;
  await Promise.race([victim.reached(target), victim.ended]);
  await wait(random(40));
  const at = performance.now();
  victim.process.kill(signal);
  const others = running.filter((each) => each !== victim);
  const ended = await Promise.all(others.map(({ ended: end }) => end));
  const noticed = (performance.now() - at) / 1000;
  victim.process.kill('SIGKILL');
  const ends = await Promise.all(running.map(({ ended: end }) => end));
  const reached = Math.max(0, ...ends.map(({ step }) => step));
  if (ended.every(({ done }) => done)) return { ends, reached }; // the run was over before
  const isNamed = ended.every(({ error }) => error?.code === 'CLUSTER' && error.workers?.join() === String(rank));
  if (!isNamed) console.error(ended.map(({ error, signal: by, step }) => ({ error, by, step })));
  return { fault: { rank, signal, step: ends[rank]?.step ?? 0, noticed, isNamed }, ends, reached };
}

try {
  const whole = await start({}).ended;
  const made: Fault[] = [];
  let reached = 0;
  while (made.length < faults && performance.now() < minutes * 60_000) {
    if (reached >= STEPS - 1) {
      fs.rmSync(directory, { recursive: true, force: true }); // begin anew: there is something to lose at every step
      reached = 0;
    }
    const { fault, reached: now } = await oneFault(reached);
    reached = now;
    if (!fault) continue;
    made.push(fault);
    console.log(
      `${made.length}: worker ${fault.rank}, ${fault.signal} after update ${fault.step}, noticed in ${fault.noticed.toFixed(1)} s, named: ${fault.isNamed}`,
    );
  }
  const last = await Promise.all((await launch({ directory, timeout: TIMEOUT })).map(({ ended }) => ended));
  const differences = last.map(({ done }) => difference(done, whole.done));
  const result = {
    workers,
    faults: made.length,
    kills: made.filter(({ signal }) => signal === 'SIGKILL').length,
    stops: made.filter(({ signal }) => signal === 'SIGSTOP').length,
    timeout: TIMEOUT,
    noticedAtMost: Number(Math.max(...made.map(({ noticed }) => noticed)).toFixed(1)),
    named: made.filter(({ isNamed }) => isNamed).length,
    largestDifference: Math.max(...differences),
  };
  console.log(JSON.stringify(result));
  if (output !== undefined) fs.writeFileSync(output, `${JSON.stringify(result, undefined, 2)}\n`);
  const isRight = differences.every((each) => each < 1e-6) && result.named === made.length;
  process.exitCode = isRight ? 0 : 1;
} finally {
  fs.rmSync(directory, { recursive: true, force: true });
}
