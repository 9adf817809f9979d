/**
 * `make differential SEEDS=1-100`: random bases and adapters, computed here and by transformers and PEFT, and files read both ways.
 *
 * Usage: node run.ts --python PYTHON --seeds FIRST-LAST[,SEED…] --work FOLDER
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Comparison, compareCase } from './compare.ts';

/** Our files, as the peer reads them, must give what we compute. */
const READ_LIMIT = 1e-4;

const { values } = parseArgs({ options: { python: { type: 'string' }, seeds: { type: 'string' }, work: { type: 'string' } } });
const { python = '', seeds: wanted = '1-20', work = '' } = values;
const seeds = wanted.split(',').flatMap((part) => {
  const [first = Number.NaN, last = first] = part.split('-').map(Number);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
});
const rows: (Comparison & { readonly seed: number })[] = [];

mkdirSync(work, { recursive: true });
peer('make');
for (const seed of seeds) {
  const folder = join(work, `${seed}`);
  try {
    for (const row of await compareCase(folder, folder)) rows.push({ seed, ...row });
  } catch (error) {
    process.stdout.write(`seed ${seed}: ${error instanceof Error ? error.stack : error}\n`);
    rows.push({ seed, what: 'computed at all', error: Number.POSITIVE_INFINITY, limit: 0 });
  }
}
const failed = new Set(rows.filter(({ error }) => error === Number.POSITIVE_INFINITY).map(({ seed }) => seed));
peer(
  'read',
  seeds.filter((seed) => !failed.has(seed)),
);
const answers: Record<string, { errors: Record<string, number>; complaints: string[] }> = JSON.parse(
  readFileSync(join(work, 'read.json'), 'utf8'),
);
for (const [seed, { errors, complaints }] of Object.entries(answers)) {
  for (const [what, error] of Object.entries(errors)) rows.push({ seed: Number(seed), what, error, limit: READ_LIMIT });
  rows.push({ seed: Number(seed), what: "the peer's complaints about our files", error: complaints.length, limit: 0 });
  for (const complaint of complaints) process.stdout.write(`seed ${seed}: ${complaint}\n`);
}
process.stdout.write(table());
const wrong = rows.filter(isWrong);
for (const { seed, what, error, limit } of wrong)
  process.stdout.write(`seed ${seed}: ${what}: ${number(error)} is above ${number(limit)}\n`);
if (wrong.length > 0)
  process.stdout.write(`\nOnly these again: make differential SEEDS=${[...new Set(wrong.map(({ seed }) => seed))].join(',')}\n`);
process.exitCode = wrong.length > 0 ? 1 : 0;

function peer(task: 'make' | 'read', of = seeds): void {
  const script = fileURLToPath(new URL('peer.py', import.meta.url));
  const { status } = spawnSync(python, [script, task, work, ...of.map(String)], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`the peer ended with ${status} in '${task}'`);
}

function isWrong({ error, limit }: Comparison): boolean {
  return !(error <= limit); // NaN is wrong too
}

function table(): string {
  const names = [...new Set(rows.map(({ what }) => what))];
  const lines = names.map((name) => {
    const of = rows.filter(({ what }) => what === name);
    const errors = of.map(({ error }) => error).sort((a, b) => a - b);
    const cells = [
      `${of.length}`,
      number(errors[errors.length >> 1]),
      number(errors.at(-1)),
      number(of[0]?.limit),
      `${of.filter(isWrong).length}`,
    ];
    return name.padEnd(40) + cells.map((cell) => cell.padStart(10)).join('');
  });
  const head = 'compared'.padEnd(40) + ['cases', 'median', 'largest', 'limit', 'wrong'].map((cell) => cell.padStart(10)).join('');
  return `\n${[head, ...lines].join('\n')}\n\n`;
}

function number(value = Number.NaN): string {
  return Number.isInteger(value) ? `${value}` : value.toExponential(1);
}
