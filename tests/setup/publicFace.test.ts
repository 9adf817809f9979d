import fs from 'node:fs';
import * as lowrank from 'lowrank';
import * as notebook from 'lowrank-notebook';
import * as review from 'lowrank-review';
import { expect, test } from 'vitest';

const PACKAGES = { lowrank, 'lowrank-review': review, 'lowrank-notebook': notebook };
/** A new name is a promise to its users: it gets its line here, or is imported past the index files. */
const NAMES: Record<string, string[]> = JSON.parse(fs.readFileSync(`${__dirname}/publicNames.json`, 'utf8'));

test.each(Object.entries(PACKAGES))('%s exports the values that publicNames.json lists, and no others', (name, exported) => {
  expect(Object.keys(exported).sort()).toEqual(NAMES[name]);
});

test('the three packages export 120 values together', () => {
  expect(Object.values(NAMES).flat()).toHaveLength(120);
});
