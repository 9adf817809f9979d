import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

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

test('every file that the reliability page names is there', () => {
  const linked = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => join(dirname('docs/reliability.md'), path));
  const named = [...page.matchAll(/`(tests\/[\w./-]+)`/g)].map(([, path = '']) => path);
  expect(linked.length + named.length).toBeGreaterThan(8);
  for (const path of [...linked, ...named]) expect(existsSync(path), path).toBe(true);
});

test('every fault that is not open has a test', () => {
  for (const { what, test: path, open } of results.found) expect(open || existsSync(path), what).toBe(true);
});
