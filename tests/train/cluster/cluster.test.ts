import fs from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';
import { type Done, type Part, runPart } from './part';
import { allEnded, difference, type Ended, environments, freePorts, start, startAll, together } from './workers';

vi.setConfig({ testTimeout: 300_000 }); // each group of workers is several processes

const folder = temporaryFolder();
const built = fs.existsSync('lib/lowrank/dist/index.js'); // the processes run what `make build` made

/** What is made when it is first asked for, and once: processes take longer to start than to run. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

const seconds = 12; // the time-out of what is lost
const other = folder('other-number');

/** The run of one process with the whole batch, this one. */
const whole = once(() => runPart({}));
/** Two workers make it, then the first steps of one that is saved, then one in which the second reads other data after a while. */
const two = once(() => {
  const runs: Part[] = [{}, { directory: other, steps: 5 }];
  return together([
    [...runs, {}],
    [...runs, { shiftFrom: 1, shift: 1 }],
  ]);
});
/** Three workers end the saved run, which one process has taken on meanwhile; then one of them fails in another run. */
const three = once(async () => {
  await two();
  const onItsOwn = await runPart({ directory: other, steps: 8 });
  const ended: Part = { directory: other, timeout: 120 }; // nothing here waits for it, and a busy machine may be silent for long
  const workers = await together([
    [ended, {}],
    [ended, { fault: { step: 2, kind: 'throw' } }],
    [ended, {}],
  ]);
  return { onItsOwn, workers };
});
const prefix: Part = { kind: 'prefix', batchSize: 1, steps: 4 }; // two batches of a row an update
/** Four workers train a prefix; then three of them come to another run with something else. */
const four = once(async () => {
  const [directory, elsewhere] = [folder('empty'), folder('elsewhere')];
  await runPart({ directory: elsewhere, steps: 2 });
  return together([
    [prefix, { directory }],
    [prefix, { directory, shift: 1, weightSeed: 5 }],
    [prefix, { directory, r: 2 }],
    [prefix, { directory: elsewhere }],
  ]);
});
const bigram: Part = { kind: 'bigram', compile: false };
const interrupted = folder('interrupted');
/** Two workers that know the address of worker 0 alone make a short run, and another one in which the second is asked to stop. */
const byAddress = once(async () => {
  const [port] = await freePorts(1);
  const runs: Part[][] = [
    [
      { ...bigram, steps: 2 },
      { ...bigram, directory: interrupted },
    ],
    [
      { ...bigram, steps: 2 },
      { ...bigram, directory: interrupted, fault: { step: 3, kind: 'interrupt' } },
    ],
  ];
  const place = (rank: number) => ({ RANK: `${rank}`, WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: `${port}` });
  return Promise.all(runs.map((each, rank) => start(each, place(rank)).ended));
});

describe.skipIf(!built)('several workers do what one does', () => {
  test('two workers, three rows in a batch, dropout: the weights are those of one process', async () => {
    const [expected, workers] = [await whole(), (await two()).map(({ runs }) => runs[0])];
    for (const worker of workers) {
      expect(worker?.error).toBeUndefined();
      expect(difference(worker?.done, expected)).toBeLessThan(1e-6);
      expect(worker?.done?.tensorsLeft).toBe(0);
    }
    // The losses are sums of the same numbers in another order; the evaluation's are of the same batches, one by one.
    const losses = (history: readonly { readonly loss: number }[] = []) => history.map(({ loss }) => loss);
    const [first, second] = workers.map((worker): Done | undefined => worker?.done);
    for (const [step, loss] of losses(first?.history).entries()) expect(loss).toBeCloseTo(losses(expected.history)[step] ?? Number.NaN, 5);
    expect(losses(first?.evaluations)[0]).toBe(losses(expected.evaluations)[0]);
    expect(second?.weights).toEqual(first?.weights);
    expect(second?.evaluations).toEqual(first?.evaluations);
  });

  test('four workers, of which one gets no row: prefix attention', async () => {
    const expected = await runPart(prefix);
    for (const { runs } of await four()) expect(difference(runs[0]?.done, expected)).toBeLessThan(1e-6);
  });

  test('a run begun by two workers goes on with one, and the other way round', async () => {
    const { onItsOwn, workers } = await three();
    expect(onItsOwn.history.length).toBe(8);
    const done = workers[0]?.runs[0]?.done;
    expect(done?.history.length).toBe(12);
    expect(difference(done, await whole())).toBeLessThan(1e-6);
  });
});

describe.skipIf(!built)('a worker that does something else is refused by name, before anything is changed', () => {
  test.each<[string, RegExp]>([
    ['other data', /worker 1 \(127\.0\.0\.1:\d+\) has [^;]*another training data/],
    ['another start', /worker 1 \(127\.0\.0\.1:\d+\) has [^;]*another trained weights/],
    ['another adapter', /worker 2 \(127\.0\.0\.1:\d+\) has [^;]*another adapter configuration/],
    ['another step', /worker 3 \(127\.0\.0\.1:\d+\) has [^;]*another [^;]*step \(2, not 0\)/],
  ])('%s', async (_, message) => {
    for (const { error, step } of await four()) {
      expect(error?.message).toMatch(message);
      expect(step).toBe(0);
    }
  });

  test('data that differs later, at the first update that it would change', async () => {
    for (const { error, step } of await two()) {
      expect(error?.message).toMatch(/worker 1 .* read other data than worker 0 at update 4: nothing is changed/);
      expect(step).toBe(3);
    }
  });
});

describe.skipIf(!built)('a worker that is lost is named by all others within the time-out', () => {
  let before: Promise<unknown> = Promise.resolve();
  /** Starts when something has happened to those before: to start keeps the machine busy, and to wait for a time-out does not. */
  function lost(kind: NonNullable<Part['fault']>['kind'], rank: number): Promise<Ended[]> {
    const part: Part = { ...bigram, timeout: seconds };
    const parts = Array.from({ length: 3 }, (_, each): Part => (each === rank ? { ...part, fault: { step: 2, kind } } : part));
    const workers = before.then(() => startAll(parts));
    const isUnderWay = workers.then((running) =>
      Promise.race(running.map((worker) => (running[rank] === worker ? worker.reached(2) : worker.ended))),
    );
    before = isUnderWay.catch(() => undefined);
    return workers.then((running) => allEnded(running, parts));
  }
  function expectNamed(workers: readonly Ended[], rank: number, message: RegExp): void {
    for (const [each, { error, told, stepAt }] of workers.entries()) {
      if (each === rank) continue;
      expect(error?.message).toMatch(message);
      expect(error?.workers).toEqual([rank]);
      expect(error?.code).toBe('CLUSTER');
      expect(told - stepAt).toBeLessThan(seconds + 2 * 3 + 20); // the time-out, two questions, and a busy machine
    }
  }

  test.concurrent.each<[NonNullable<Part['fault']>['kind'], number, RegExp]>([
    ['hang', 1, /lost worker 1 .*: alive, but not there after 12 s/],
    ['stop', 0, /lost worker 0 .*: no answer/],
    ['stop', 1, /lost worker 1 .*: no (heartbeat|answer)/],
    ['kill', 0, /lost worker 0 .*: no answer/],
    ['kill', 1, /lost worker 1 .*: no answer/],
  ])('%s, worker %i', async (kind, rank, message) => expectNamed(await lost(kind, rank), rank, message));

  test('an error of its own, worker 1', async () => {
    expectNamed((await three()).workers, 1, /worker 1 .*: the disk of this worker is full\. That ended all workers/);
  });

  test('one that is asked to stop ends all at the same point, the evaluation after update 3, and the run is saved', async () => {
    const workers = await byAddress();
    expect(workers[1]?.signal).toBe('SIGTERM');
    expect(workers[0]?.error?.code).toBe('ABORTED');
    expect(fs.readdirSync(interrupted).some((name) => name.endsWith('step-3'))).toBe(true);
  });

  test('workers that know the address of worker 0 alone tell each other theirs', async () => {
    expect((await byAddress()).map(({ runs }) => runs[0]?.done?.history.length)).toEqual([2, 2]);
  });

  test('one that does not come at all is waited for, and then named', async () => {
    const first = await start({ joinTimeout: 4 }, (await environments(2))[0]).ended;
    expect(first.error?.message).toMatch(/worker 0 of 2 could not join within 4 s: worker 1 \(127\.0\.0\.1:\d+\) did not come/);
    expect(first.error?.workers).toEqual([1]);
  });
});
