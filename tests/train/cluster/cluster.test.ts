import fs from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';
import type { Part } from './worker';
import { difference, type Ended, freePorts, start, together } from './workers';

vi.setConfig({ testTimeout: 300_000 }); // each test starts several processes

const folder = temporaryFolder();
const built = fs.existsSync('lib/lowrank/dist/index.js'); // the processes run what `make build` made

/** One process with the whole batch. */
const alone = (part: Part = {}): Promise<Ended> => start(part).ended;
let made: Promise<Ended['done']> | undefined;
/** The run of one process that several tests compare with, made once. */
const whole = () => (made ??= alone().then(({ done }) => done));
const many = (count: number, part: Part): Part[] => Array.from({ length: count }, () => part);

describe.skipIf(!built)('several workers do what one does', () => {
  test('two workers, three rows in a batch, dropout: the weights are those of one process', async () => {
    const [expected, workers] = await Promise.all([whole(), together(many(2, {}))]);
    for (const { done, error } of workers) {
      expect(error).toBeUndefined();
      expect(difference(done, expected)).toBeLessThan(1e-6);
      expect(done?.tensors).toBe(expected?.tensors);
    }
    // The losses are sums of the same numbers in another order; the evaluation's are of the same batches, one by one.
    const losses = (history: readonly { readonly loss: number }[] = []) => history.map(({ loss }) => loss);
    for (const [step, loss] of losses(workers[0]?.done?.history).entries())
      expect(loss).toBeCloseTo(losses(expected?.history)[step] ?? Number.NaN, 5);
    expect(losses(workers[0]?.done?.evaluations)[0]).toBe(losses(expected?.evaluations)[0]);
    expect(workers[1]?.done?.weights).toEqual(workers[0]?.done?.weights);
    expect(workers[1]?.done?.evaluations).toEqual(workers[0]?.done?.evaluations);
  });

  test('four workers, of which one gets no row: prefix attention', async () => {
    const part: Part = { kind: 'prefix', batchSize: 1, steps: 4 }; // two batches of a row an update
    const [{ done: expected }, workers] = await Promise.all([alone(part), together(many(4, part))]);
    for (const { done } of workers) expect(difference(done, expected)).toBeLessThan(1e-6);
  });

  test('a run begun by two workers goes on with one, and the other way round', async () => {
    const directory = folder('other-number');
    await together(many(2, { directory, steps: 5 }));
    expect((await alone({ directory, steps: 8 })).done?.history.length).toBe(8);
    const [first] = await together(many(3, { directory }));
    expect(first?.done?.history.length).toBe(12);
    expect(difference(first?.done, await whole())).toBeLessThan(1e-6);
  });
});

describe.skipIf(!built)('a worker that does something else is refused by name, before anything is changed', () => {
  test.each<[string, Part, RegExp]>([
    ['other data', { shift: 1 }, /worker 1 \(127\.0\.0\.1:\d+\) has another training data/],
    ['another adapter', { r: 2 }, /worker 1 .* has another adapter configuration/],
    ['another start', { weightSeed: 5 }, /worker 1 .* has another trained weights/],
    ['another step', { directory: folder('elsewhere') }, /worker 1 .* has another .*step \(2, not 0\)/],
  ])('%s', async (name, part, message) => {
    if (part.directory !== undefined) await alone({ directory: part.directory, steps: 2 });
    const workers = await together([name === 'another step' ? { directory: folder('empty') } : {}, part]);
    for (const { error, step } of workers) {
      expect(error?.message).toMatch(message);
      expect(step).toBe(0);
    }
  });

  test('data that differs later, at the first update that it would change', async () => {
    const workers = await together([{}, { shiftFrom: 1, shift: 1 }]);
    for (const { error, step } of workers) {
      expect(error?.message).toMatch(/worker 1 .* read other data than worker 0 at update 4: nothing is changed/);
      expect(step).toBe(3);
    }
  });
});

describe.skipIf(!built)('a worker that is lost is named by all others within the time-out', () => {
  test.each<[NonNullable<Part['fault']>['kind'], number, RegExp]>([
    ['kill', 1, /lost worker 1 .*: no answer/],
    ['kill', 0, /lost worker 0 .*: no answer/],
    ['stop', 1, /lost worker 1 .*: no (heartbeat|answer)/],
    ['stop', 0, /lost worker 0 .*: no answer/],
    ['hang', 1, /lost worker 1 .*: alive, but not there after 12 s/],
    ['throw', 1, /worker 1 .*: the disk of this worker is full\. That ended all workers/],
  ])('%s, worker %i', async (kind, rank, message) => {
    const parts = Array.from({ length: 3 }, (_, each): Part => ({ timeout: 12, ...(each === rank && { fault: { step: 2, kind } }) }));
    const workers = await together(parts);
    for (const [each, { error, told, stepAt }] of workers.entries()) {
      if (each === rank) continue;
      expect(error?.message).toMatch(message);
      expect(error?.workers).toEqual([rank]);
      expect(error?.code).toBe('CLUSTER');
      expect(told - stepAt).toBeLessThan(12 + 2 * 3 + 10); // the time-out, two questions, and a busy machine
    }
  });

  test('one that is asked to stop ends all at the same point, the evaluation after update 3, and the run is saved', async () => {
    const directory = folder('interrupted');
    const workers = await together([{ directory }, { directory, fault: { step: 3, kind: 'interrupt' } }]);
    expect(workers[1]?.signal).toBe('SIGTERM');
    expect(workers[0]?.error?.code).toBe('ABORTED');
    expect(fs.readdirSync(directory).some((name) => name.endsWith('step-3'))).toBe(true);
  });

  test('workers that know the address of worker 0 alone tell each other theirs', async () => {
    const [port] = await freePorts(1);
    const places = [0, 1].map((rank) => ({ RANK: `${rank}`, WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${port}` }));
    const workers = await Promise.all(places.map((place) => start({ steps: 2 }, place).ended));
    expect(workers.map(({ done }) => done?.history.length)).toEqual([2, 2]);
  });

  test('one that does not come at all is waited for, and then named', async () => {
    const [first] = await together([{ joinTimeout: 4 }, { joinTimeout: 4, fault: { step: 0, kind: 'absent' } }]);
    expect(first?.error?.message).toMatch(/worker 0 of 2 could not join within 4 s: worker 1 \(127\.0\.0\.1:\d+\) did not come/);
    expect(first?.error?.workers).toEqual([1]);
  });
});
