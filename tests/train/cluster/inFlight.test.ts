import fs from 'node:fs';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';
import type { Part } from './worker';
import { type Ended, together } from './workers';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 }); // each test starts several processes

const folder = temporaryFolder();
const built = fs.existsSync('lib/lowrank/dist/index.js'); // the processes run what `make build` made

/** The evaluation after update 11 ends a group. */
const inFlight: Part = { stepsAtOnce: 4, evaluateEvery: 11 };

/** What a run came to, but for how fast it went. */
function outcome({ done, error }: Ended): unknown {
  expect(error).toBeUndefined();
  return { ...done, history: done?.history.map(({ tokensPerSecond, ...numbers }) => numbers) };
}

describe.skipIf(!built)('two workers with four updates in flight', () => {
  let singly: unknown;
  beforeAll(async () => {
    const [first] = await together([
      { ...inFlight, stepsAtOnce: 1 },
      { ...inFlight, stepsAtOnce: 1 },
    ]);
    singly = outcome(first as Ended);
    expect(first?.made).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test('have every bit of the run in which they come one by one; of two wishes the smaller one counts', async () => {
    const workers = await together([inFlight, { ...inFlight, stepsAtOnce: 7 }]);
    for (const worker of workers) {
      expect(worker.made).toEqual([1, 5, 5, 5, 5, 9, 9, 9, 9, 11, 11, 12]); // the first update brings the agreement
      expect(outcome(worker)).toEqual(singly);
    }
  });

  test('stop at the end of the same group where one of them is asked to, and go on from there', async () => {
    const part = { ...inFlight, directory: folder('stopped'), stepsBetweenCheckpoints: 100 };
    const workers = await together([part, { ...part, fault: { step: 2, kind: 'interrupt' } }]);
    expect(workers.map(({ step, made }) => [step, made.at(-1)])).toEqual([
      [9, 9],
      [9, 9],
    ]);
    expect([workers[0]?.error?.code, workers[1]?.signal]).toEqual(['ABORTED', 'SIGTERM']);
    expect(fs.readdirSync(part.directory).some((name) => name.endsWith('step-9'))).toBe(true);
    const [first] = await together([part, part]);
    expect(outcome(first as Ended)).toEqual(singly);
  });

  test('name the one that is killed among them, and go on from the last checkpoint', async () => {
    const part = { ...inFlight, directory: folder('killed'), stepsBetweenCheckpoints: 5 };
    const [left] = await together([part, { ...part, fault: { step: 7, kind: 'kill' } }]);
    expect(left?.error?.message).toMatch(/lost worker 1 .*: no answer/);
    expect(left?.made.at(-1)).toBe(9);
    expect(fs.readdirSync(part.directory).filter((name) => /step-\d+$/.test(name))).toEqual(['checkpoint-1-step-5']);
    const [first] = await together([part, part]);
    expect(outcome(first as Ended)).toEqual(singly);
  });

  test.each<[string, Part, string, RegExp]>([
    ['a loss that is not finite', { badBatch: 1 }, 'NOT_FINITE', /the loss is NaN at step 4, batch 0 of epoch 1/],
    ['other data of one worker', { shiftFrom: 1, shift: 1 }, 'STATE', /worker 1 .* read other data than worker 0 at update 4/],
  ])('%s in the middle of a group ends all with what was made before it', async (name, part, code, message) => {
    const spoilsAll = name !== 'other data of one worker';
    const workers = await together([spoilsAll ? { ...inFlight, ...part } : inFlight, { ...inFlight, ...part }]);
    for (const { error, step, made } of workers) {
      expect(error?.message).toMatch(message);
      expect([error?.code, step, made]).toEqual([code, 3, [1, 3, 3]]);
    }
  });
});
