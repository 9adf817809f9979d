import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type Measured, measuredOnGpu, plannedOnGpu } from '../memory/memoryCases.ts';

const page = readFileSync('docs/reliability.md', 'utf8');
const results = JSON.parse(readFileSync('tests/fuzz/results.json', 'utf8'));

test('the numbers of the reliability page are those of the results', () => {
  const number = (value: number) => value.toLocaleString('en-US');
  expect(page).toContain(`On ${results.date}`);
  const { first, before, main, found } = results;
  expect(page).toContain(`${number(main.cases)} damaged inputs of ${main.formats} kinds, ${number(main.seconds)} s`);
  expect(page).toContain(`the slowest took ${(main.slowestMilliseconds / 1000).toFixed(1)} s of the processor, a chat template`);
  const table: Record<string, { value: number; error: number; fault: number; slowest: number }> = results.table;
  const rows = Object.entries(table);
  expect(rows.reduce((sum, [, { value, error, fault }]) => sum + value + error + fault, 0)).toBe(main.cases);
  expect(rows.filter(([, { fault }]) => fault > 0)).toEqual([]);
  expect(table['chat template']?.slowest).toBe(main.slowestMilliseconds);
  expect(page).toContain(`${number(first.cases)} and ${number(before.cases)} cases, found ${found.length} faults`);
  expect(found.filter(({ open }: { open?: boolean }) => open)).toEqual([]);
});

test('as many chat templates are compared as the page says', () => {
  const { cases, refused } = JSON.parse(readFileSync('tests/golden/chatTemplates.json', 'utf8'));
  const told = Array.from(page.matchAll(/more than ([\d,]+) (?:expressions|that)/g), ([, count = '']) => Number(count.replace(',', '')));
  const shares = [cases, refused].map(({ length }, index) => (told[index] ?? 0) / length);
  expect(shares.filter((share) => share > 0.75 && share < 1)).toHaveLength(2);
});

test('what the page says of long work on a GPU stands in its results', () => {
  const { training, generation, adapters, failures, notFinite, tooLarge } = JSON.parse(readFileSync('tests/soak/gpu.json', 'utf8'));
  const calls = [
    training.calls,
    generation.calls * generation.tokensPerCall,
    adapters.switches.calls,
    adapters.additions.calls,
    failures.calls,
  ];
  expect(calls).toEqual([10_000, 10_000, 3000, 3000, 10_000]);
  for (const { tensors } of [training, generation, adapters.switches, adapters.additions, failures, tooLarge]) {
    expect(tensors[0]).toBe(tensors[1]);
  }
  expect(failures.logitsMoved).toBe(0);
  for (const { isNamed, moved } of notFinite.outcomes) expect([isNamed, moved]).toEqual([true, 0]);
  expect([tooLarge.calls, tooLarge.works]).toEqual([100, true]);
});

test('what the page says of plans of memory on a GPU stands in their results', () => {
  const { cases, fresh } = measuredOnGpu();
  const excess = (measured: readonly Measured[]) =>
    measured.map(({ case: one, measuredMegabytes }) => Math.round(100 * (plannedOnGpu(one) / 1e6 / measuredMegabytes - 1)));
  const words = page.replaceAll('\n', ' ');
  const [all, last] = [excess([...cases, ...fresh]), excess(fresh)];
  expect(words).toContain(
    `the plans of ${all.length} pieces of work are between ${-Math.min(...all)} % below and ${Math.max(...all)} % above`,
  );
  expect(words).toContain(
    `The last ${last.length} were measured after the factors had been chosen: ${-Math.min(...last)} % below to ${Math.max(...last)} % above`,
  );
});

test('what the page says of lost workers on GPUs stands in the results', () => {
  const { runs } = JSON.parse(readFileSync('tests/bench/results/gpu/faults.json', 'utf8')) as {
    runs: { kills: number; stops: number; named: number; noticedAtMost: number; largestDifference?: number }[];
  };
  const sum = (of: 'kills' | 'stops' | 'named') => runs.reduce((total, run) => total + run[of], 0);
  const last = runs.at(-1);
  expect([sum('kills'), sum('stops'), sum('named'), last?.stops]).toEqual([5, 7, 11, 3]);
  const words = page.replaceAll('\n', ' ');
  expect(words).toContain(
    `was killed (${sum('kills')} times) or stopped for good (${sum('stops')} times). The other named it ${sum('named')} times`,
  );
  expect(words).toContain(`after ${Math.max(...runs.map(({ noticedAtMost }) => noticedAtMost)).toFixed(1)} s at most`);
  expect(words).toContain(`differed by ${last?.largestDifference?.toExponential(1)} from`);
});

test('every file that the reliability page names is there', () => {
  const linked = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => join(dirname('docs/reliability.md'), path));
  const named = [...page.matchAll(/`(tests\/[\w./-]+)`/g)].map(([, path = '']) => path);
  expect(linked.length + named.length).toBeGreaterThan(8);
  for (const path of [...linked, ...named]) expect(existsSync(path), path).toBe(true);
});

test('every fault that is not open has a test', () => {
  for (const { what, test: path, open } of results.found) expect(open || existsSync(path), what).toBe(true);
});
