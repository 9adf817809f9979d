import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const page = readFileSync('docs/reliability.md', 'utf8');
const results = JSON.parse(readFileSync('tests/fuzz/results.json', 'utf8'));

test('the numbers of the reliability page are those of the results', () => {
  const number = (value: number) => value.toLocaleString('en-US');
  expect(page).toContain(`On ${results.date}`);
  expect(page).toContain(`${number(results.first.cases)} damaged inputs of ${results.first.formats} kinds, ${results.first.seconds} s`);
  expect(page).toContain(`reviews: ${number(results.main.cases)} cases, ${number(results.main.seconds)} s`);
  expect(page).toContain(`${results.main.faultyCases} of them showed a fault`);
  expect(page).toContain(`They found ${results.found.length} faults`);
  expect(page).toContain(`still open: ${results.found.filter(({ open }: { open?: boolean }) => open).length},`);
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
