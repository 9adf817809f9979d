import fs from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { main } from '../../lib/lowrank/src/cli/main';
import { temporaryFolder } from '../io/temporaryFolder';
import { inputOf } from './cases';
import { formats, type Main, openFormat } from './formats';
import { Draw, mutated } from './mutate';
import { tryInput } from './tryInput';

const folder = temporaryFolder();
/** Milliseconds for each format, so that all of them take ten seconds at most; `make fuzz` has no such limit. */
const ENOUGH = 300;
const MOST = 200;

test.each(formats.map((format) => [format.name, format] as const))(
  '%s: damaged inputs are read, or refused by an error of ours',
  async (name, format) => {
    const open = await openFormat(format, folder(name.replaceAll(/\W/g, '-')), main as Main);
    const before = performance.now();
    for (let seed = 1; seed <= MOST && performance.now() - before < ENOUGH; seed++) {
      const { what } = await tryInput(open, inputOf(format, seed));
      expect(what, `make fuzz FORMAT='${name}' SEEDS=${seed}`).toBeUndefined();
    }
  },
);

test('a seed makes the same input each time, and other seeds others', () => {
  const [format] = formats.filter(({ name }) => name === 'config.json');
  if (!format) throw new Error('there is no such format');
  const inputs = Array.from({ length: 50 }, (_, seed) => inputOf(format, seed).toString());
  expect(Array.from({ length: 50 }, (_, seed) => inputOf(format, seed).toString())).toEqual(inputs);
  expect(new Set(inputs).size).toBeGreaterThan(40);
});

test('half of the damaged JSON is still JSON, so that what is behind the parser is reached', () => {
  const seeds = [Buffer.from(JSON.stringify({ a: 1, b: ['x', { c: true }], d: 'text' }))];
  const texts = Array.from({ length: 200 }, (_, seed) => mutated('json', seeds, new Draw(seed)).toString());
  const isJson = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  expect(texts.filter(isJson).length).toBeGreaterThan(100);
});

test('a raw error, a slow case, a tensor left and a file written are each a fault', async () => {
  const { tf } = await import('lowrank');
  const place = folder('faults');
  fs.mkdirSync(place);
  const tried = async (read: () => unknown) =>
    (await tryInput({ folder: place, read, seconds: 0.05, names: [], files: new Set() }, Buffer.from(''))).what;
  expect(await tried(() => null)).toBeUndefined();
  expect(await tried(() => JSON.parse('{'))).toContain('not an error of ours: SyntaxError');
  expect(await tried(() => fs.writeFileSync(join(place, 'stray'), ''))).toBe('files were written: stray');
  const left: unknown[] = [];
  expect(await tried(() => left.push(tf.scalar(1)))).toBe('1 tensors were left behind');
  tf.dispose(left as never);
  const slow = () => {
    for (const end = process.cpuUsage().user + 100_000; process.cpuUsage().user < end; );
  };
  expect(await tried(slow)).toMatch(/^it took \d/);
});
