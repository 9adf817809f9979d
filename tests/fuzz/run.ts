/**
 * `node run.ts [--count N | --seeds A-B,C] [--format NAME] [--workers N] [--work DIR]`: the whole fuzzing, in processes of their own, with a table
 * at the end. A case that hangs or ends its process is a fault like any other, and the work goes on behind it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import nodePath from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { inputOf } from './cases.ts';
import { formats } from './formats.ts';

const { values: options } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seeds: { type: 'string' },
    format: { type: 'string', multiple: true },
    workers: { type: 'string', default: String(Math.max(1, os.availableParallelism())) },
    work: { type: 'string', default: 'build/fuzz' },
  },
});

/** Seconds of the processor, and of the clock, that a case may take before its process is ended: the machine may be busy with something else. */
const HANG = { processor: 15, clock: 180 };
const SLICE = 2500; // cases of one process

interface Slice {
  readonly format: string;
  readonly from: number;
  readonly to: number;
}
interface Message {
  readonly at?: number;
  readonly seed?: number;
  readonly kind?: 'value' | 'error' | 'fault';
  readonly what?: string;
  readonly ms?: number;
  readonly input?: string;
}
interface Row {
  value: number;
  error: number;
  fault: number;
  slowest: number;
  slowestSeed: number;
}

const work = nodePath.resolve(options.work);
fs.mkdirSync(work, { recursive: true });
const scratch = fs.mkdtempSync(nodePath.join(fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir(), 'fuzz-'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const ranges = (options.seeds ?? `1-${options.count}`).split(',').map((range) => {
  const [from = Number.NaN, to = from] = range.split('-').map(Number);
  if (!(from >= 0 && to >= from)) throw new Error(`'${range}' is no range of seeds, such as 1-100`);
  return { from, to };
});
const names = options.format ?? formats.map(({ name }) => name);
const unknown = names.find((name) => !formats.some((format) => format.name === name));
if (unknown !== undefined) throw new Error(`there is no format '${unknown}'; there are ${formats.map(({ name }) => name).join(', ')}`);
const queue: Slice[] = names.flatMap((format) => ranges.flatMap(({ from, to }) => slices(format, from, to)));
const total = queue.reduce((sum, { from, to }) => sum + to - from + 1, 0);
const rows = new Map<string, Row>(names.map((name) => [name, { value: 0, error: 0, fault: 0, slowest: 0, slowestSeed: 0 }]));
const begun = Date.now();
let done = 0;

function slices(format: string, from: number, to: number): Slice[] {
  return from > to ? [] : [{ format, from, to: Math.min(to, from + SLICE - 1) }, ...slices(format, from + SLICE, to)];
}

function count({ format }: Slice, { seed = 0, kind = 'value', what = '', ms = 0, input }: Message): void {
  done++;
  const row = rows.get(format);
  if (!row) return;
  row[kind]++;
  if (ms > row.slowest) Object.assign(row, { slowest: ms, slowestSeed: seed });
  if (kind !== 'fault') return;
  const path = nodePath.join(work, `${format.replaceAll(/[^\w.]+/g, '-')}-${seed}`);
  fs.writeFileSync(`${path}.input`, Buffer.from(input ?? '', 'base64'));
  fs.writeFileSync(`${path}.txt`, `${what}\n`);
  console.log(`FAULT ${format}, seed ${seed}: ${what.split('\n', 3).join(' | ').slice(0, 400)}`);
  console.log(`  input: ${nodePath.relative('.', path)}.input; again: make fuzz FORMAT='${format}' SEEDS=${seed}`);
}

/** Runs a slice; gives the rest of it where its process was ended by a case. */
async function run(slice: Slice, number: number): Promise<Slice | undefined> {
  const format = formats.find(({ name }) => name === slice.format);
  const folder = nodePath.join(scratch, `${number}-${slice.from}`);
  const home = fs.mkdtempSync(nodePath.join(scratch, 'home-'));
  // Node itself refuses to write anywhere else, so that an attempt shows.
  const limits = ['--permission', '--allow-addons', '--allow-child-process', '--allow-fs-read=*', `--allow-fs-write=${scratch}`];
  const script = fileURLToPath(new URL('worker.ts', import.meta.url));
  const child = spawn(process.execPath, ['--no-warnings', ...limits, script, slice.format, String(slice.from), String(slice.to), folder], {
    cwd: home,
    env: { ...process.env, FUZZ_TMP: home, TMPDIR: home, TF_CPP_MIN_LOG_LEVEL: '3', LOWRANK_MEMORY_LIMIT: '4GB' },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const complaints: string[] = [];
  child.stderr?.on('data', (chunk) => {
    complaints.push(String(chunk));
    complaints.splice(0, complaints.length - 20);
  });
  let at: number | undefined;
  let last = slice.from - 1;
  let since = Date.now();
  let isHung = false;
  let spent = 0; // of the processor, when the case began
  let watched: number | undefined;
  const watch = setInterval(() => {
    const now = processorSeconds(child.pid);
    if (at !== watched) [watched, spent] = [at, now];
    isHung = at !== undefined && (now - spent > HANG.processor || Date.now() - since > 1000 * HANG.clock);
    if (isHung) child.kill('SIGKILL');
  }, 1000);
  const ended = new Promise<string>((resolve) => child.on('close', (code, signal) => resolve(signal ?? String(code))));
  for await (const line of createInterface({ input: channel(child) })) {
    const message: Message = JSON.parse(line);
    since = Date.now();
    at = message.at;
    if (message.seed === undefined) continue;
    last = message.seed;
    count(slice, message);
  }
  const end = await ended;
  clearInterval(watch);
  for (const place of [folder, `${folder}-base`, home]) fs.rmSync(place, { recursive: true, force: true });
  if (last >= slice.to) return undefined;
  if (at === undefined || !format)
    throw new Error(`the worker of ${slice.format} ended (${end}) between two cases:\n${complaints.join('')}`);
  const what = isHung
    ? `no end within ${HANG.processor} s of the processor, or ${HANG.clock} s`
    : `the process ended (${end}): ${complaints.join('').slice(-1500)}`;
  count(slice, { seed: at, kind: 'fault', what, input: inputOf(format, at).toString('base64') });
  return { ...slice, from: at + 1 };
}

/** What a process has used; 0 when it is gone. */
function processorSeconds(pid = 0): number {
  try {
    const [user = 0, system = 0] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13).map(Number) ?? [];
    return (user + system) / 100;
  } catch {
    return 0;
  }
}

function channel({ stdio }: ChildProcess): Readable {
  return stdio[3] as Readable;
}

let begunSlices = 0;
async function worker(): Promise<void> {
  for (let slice = queue.shift(); slice; slice = queue.shift()) {
    let rest: Slice | undefined = slice;
    while (rest && rest.from <= rest.to) rest = await run(rest, begunSlices++);
  }
}

const line = () => {
  const seconds = (Date.now() - begun) / 1000;
  const left = done === 0 ? '' : `, about ${Math.ceil(((total - done) * seconds) / done / 60)} min left`;
  return `${done} of ${total} cases in ${Math.round(seconds)} s${left}`;
};
const ticker = setInterval(() => console.log(line()), process.stdout.isTTY ? 10_000 : 60_000);
await Promise.all(Array.from({ length: Number(options.workers) }, worker));
clearInterval(ticker);

const heads = ['format', 'mutations', 'values', 'typed errors', 'slowest', 'faults'];
const table = [...rows].map(([name, { value, error, fault, slowest, slowestSeed }]) =>
  [name, value + error + fault, value, error, `${Math.round(slowest)} ms (seed ${slowestSeed})`, fault].map(String),
);
const widths = heads.map((head, column) => Math.max(head.length, ...table.map((cells) => (cells[column] ?? '').length)));
for (const cells of [heads, ...table])
  console.log(cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '));
console.log(line());
const faults = [...rows.values()].reduce((sum, { fault }) => sum + fault, 0);
const record = Object.fromEntries([...rows].map(([name, row]) => [name, { ...row, slowest: Math.round(row.slowest) }]));
fs.writeFileSync(
  nodePath.join(work, 'table.json'),
  `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), cases: done, faults, formats: record }, null, 2)}\n`,
);
process.exit(faults > 0 ? 1 : 0);
