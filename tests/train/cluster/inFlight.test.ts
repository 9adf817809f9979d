import fs from 'node:fs';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';
import type { Part } from './part';
import { type Ended, type Run, together } from './workers';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 }); // each test starts several processes

const folder = temporaryFolder();
const built = fs.existsSync('lib/lowrank/dist/index.js'); // the processes run what `make build` made

/** The evaluation after update 11 ends a group; batches of one shape are compiled once. */
const inFlight: Part = { rows: 18, stepsAtOnce: 4, evaluateEvery: 11 };

/** What a run came to, but for how fast it went. */
function outcome(run: Run | undefined): unknown {
  expect(run?.error).toBeUndefined();
  return { ...run?.done, history: run?.done?.history.map(({ tokensPerSecond, ...numbers }) => numbers) };
}

describe.skipIf(!built)('two workers with four updates in flight', () => {
  const stopped = { ...inFlight, directory: folder('stopped'), stepsBetweenCheckpoints: 100 };
  const killed = { ...inFlight, directory: folder('killed'), stepsBetweenCheckpoints: 5 };
  let sound: Ended[];
  let asked: Ended[];
  let left: Ended | undefined;
  let saved: string[][];
  let again: Ended[];
  let singly: unknown;

  // Each pair of processes makes as many runs as it can: to start takes longer than to train.
  beforeAll(async () => {
    const alone = { ...inFlight, stepsAtOnce: 1 };
    const bad = { ...inFlight, badBatch: 1 };
    sound = await together([
      [alone, inFlight, bad],
      [alone, { ...inFlight, stepsAtOnce: 7 }, bad],
    ]);
    singly = outcome(sound[0]?.runs[0]);
    asked = await together([stopped, { ...stopped, fault: { step: 2, kind: 'interrupt' } }]);
    [left] = await together([killed, { ...killed, fault: { step: 7, kind: 'kill' } }]);
    saved = [stopped, killed].map(({ directory }) => fs.readdirSync(directory).filter((name) => /step-\d+$/.test(name)));
    again = await together([
      [stopped, killed, inFlight],
      [stopped, killed, { ...inFlight, shiftFrom: 1, shift: 1 }],
    ]);
  });

  test('have every bit of the run in which they come one by one; of two wishes the smaller one counts', () => {
    expect(sound[0]?.runs[0]?.made).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for (const { runs } of sound) {
      expect(runs[1]?.made).toEqual([1, 5, 5, 5, 5, 9, 9, 9, 9, 11, 11, 12]); // the first update brings the agreement
      expect(outcome(runs[1])).toEqual(singly);
    }
  });

  test('stop at the end of the same group where one of them is asked to, and go on from there', () => {
    expect(asked.map(({ step, made }) => [step, made.at(-1)])).toEqual([
      [9, 9],
      [9, 9],
    ]);
    expect([asked[0]?.error?.code, asked[1]?.signal]).toEqual(['ABORTED', 'SIGTERM']);
    expect(saved[0]?.some((name) => name.endsWith('step-9'))).toBe(true);
    expect(outcome(again[0]?.runs[0])).toEqual(singly);
  });

  test('name the one that is killed among them, and go on from the last checkpoint', () => {
    expect(left?.error?.message).toMatch(/lost worker 1 .*: no answer/);
    expect(left?.made.at(-1)).toBe(9);
    expect(saved[1]).toEqual(['checkpoint-1-step-5']);
    expect(outcome(again[0]?.runs[1])).toEqual(singly);
  });

  test.each<[string, () => Ended[], string, RegExp]>([
    ['a loss that is not finite', () => sound, 'NOT_FINITE', /the loss is NaN at step 4, batch 0 of epoch 1/],
    ['other data of one worker', () => again, 'STATE', /worker 1 .* read other data than worker 0 at update 4/],
  ])('%s in the middle of a group ends all with what was made before it', (_, workers, code, message) => {
    for (const { error, step, made } of workers()) {
      expect(error?.message).toMatch(message);
      expect([error?.code, step, made]).toEqual([code, 3, [1, 3, 3]]);
    }
  });
});
