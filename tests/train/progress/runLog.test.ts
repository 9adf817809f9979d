import fs from 'node:fs';
import { StorageError } from 'lowrank';
import { afterEach, expect, test, vi } from 'vitest';
import { RunLog } from '../../../lib/lowrank/src/train/progress/runLog';
import { temporaryFolder } from '../../io/temporaryFolder';

const folder = temporaryFolder();
afterEach(() => vi.restoreAllMocks());

/** A log of three steps, as it is on the disk. */
function threeSteps(path: string): string {
  const log = new RunLog(path);
  for (const step of [1, 2, 3]) log.append('step', { step });
  return fs.readFileSync(path, 'utf8');
}

const stepsIn = (path: string) => Array.from(fs.readFileSync(path, 'utf8').matchAll(/"step":(\d+)/g), ([, step]) => Number(step));

test('a run from the start begins the file anew, a resumed one drops the lines after its step', () => {
  const path = folder('logs/run.jsonl');
  threeSteps(path);
  new RunLog(path, 2).append('step', { step: 3 });
  expect(stepsIn(path)).toEqual([1, 2, 3]);
  new RunLog(path).append('step', { step: 1 });
  expect(stepsIn(path)).toEqual([1]);
});

test.each(['writeFileSync', 'openSync', 'writeSync', 'fsyncSync', 'renameSync'] as const)(
  'a disk that refuses at %s while a log is taken up leaves its lines as they were',
  (call) => {
    const path = folder(`${call}.jsonl`);
    const before = threeSteps(path);
    const real = fs[call] as (...args: unknown[]) => unknown;
    vi.spyOn(fs, call as 'fsyncSync').mockImplementation((...args: unknown[]) => {
      if (call === 'writeFileSync') real(args[0], ''); // opened for writing, which empties it, and no more
      throw Object.assign(new Error(`ENOSPC: no space left on device, ${call}`), { code: 'ENOSPC', syscall: call });
    });
    let thrown: unknown;
    try {
      new RunLog(path, 2);
    } catch (error) {
      thrown = error;
    }
    vi.restoreAllMocks();
    if (call !== 'writeFileSync') expect(thrown).toBeInstanceOf(StorageError); // which may not be called at all
    expect([before, before.split('\n').slice(0, 2).join('\n').concat('\n')]).toContain(fs.readFileSync(path, 'utf8'));
  },
);
