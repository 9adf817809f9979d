import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { loadCheckpoint, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { interruptible } from '../../lib/lowrank/src/runtime/interruptible';
import { temporaryFolder } from '../io/temporaryFolder';
import { steps } from '../train/smallRun';

const folder = temporaryFolder();
const isBuilt = fs.existsSync('lib/lowrank/dist/index.js'); // the processes run what `make build` made

describe.skipIf(!isBuilt)('a training process', () => {
  test.each(['SIGINT', 'SIGTERM'] as const)('saves the running step at %s and ends by it', async (signal) => {
    const directory = folder(signal);
    const child = spawn('node', ['--no-warnings', 'tests/train/killedRun.ts', 'lora', directory, '100', '300'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    let last = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('step ')) last = Number(line.slice(5));
      if (line === 'step 3') child.kill(signal);
    }
    expect(await ended).toEqual([null, signal]); // which a shell tells as 130 and 143
    const saved = loadCheckpoint(directory);
    tf.dispose(Object.values(saved?.tensors ?? {}));
    expect(saved?.step).toBe(last);
    expect(last).toBeLessThan(steps); // it did not just come to its end
  });
});

test.skipIf(!isBuilt)('a training process that saves nothing says at SIGINT what is lost, and how to keep it', async () => {
  const child = spawn('node', ['--no-warnings', 'tests/train/killedRun.ts', 'lora', '', '1', '300'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  const said = text(child.stderr);
  for await (const line of createInterface({ input: child.stdout })) if (line === 'step 1') child.kill('SIGINT');
  expect(await ended).toEqual([null, 'SIGINT']);
  expect(await said).toMatch(
    /SIGINT ends this process after step \d+ of the training, and nothing of it is saved; .*checkpoint: \{ directory/,
  );
});

/** Two works in one process that go on for so long after they are stopped; gives what was printed, and how the process ended. */
async function twoWorks(milliseconds: readonly [number, number], signals: number) {
  const program = `
    import { once } from 'node:events';
    import { setTimeout } from 'node:timers/promises';
    import { interruptible } from './lib/lowrank/dist/runtime/interruptible.js';
    const alive = setInterval(() => {}, 1000);
    const work = (name, after) => interruptible(undefined, async (signal) => {
      await once(signal, 'abort');
      console.log('stopped');
      await setTimeout(after);
      console.log(name + ' ended');
    });
    const works = [work('first', ${milliseconds[0]}), work('second', ${milliseconds[1]})];
    await setTimeout(20); // they begin after a turn of the event loop
    console.log('begun');
    await Promise.all(works);
    clearInterval(alive);
    console.log('went on');`;
  const child = spawn('node', ['--no-warnings', '--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    const stopped = lines.filter((each) => each === 'stopped').length;
    if (line === 'begun' || (stopped === 2 && line === 'stopped' && signals === 2)) child.kill('SIGINT');
  }
  return { lines: lines.slice(3), ended: await ended };
}

describe.skipIf(!isBuilt)('two works in one process', () => {
  test.each([
    [
      [50, 300],
      ['first ended', 'second ended'],
    ],
    [
      [300, 50],
      ['second ended', 'first ended'],
    ],
  ] as const)('that take %j ms to end both do so at a signal, and the process then ends by it', async (milliseconds, lines) => {
    expect(await twoWorks(milliseconds, 1)).toEqual({ lines, ended: [null, 'SIGINT'] });
  });

  test('are ended at once by a second signal', async () => {
    expect(await twoWorks([50_000, 50_000], 2)).toEqual({ lines: [], ended: [null, 'SIGINT'] });
  });
});

test.skipIf(!isBuilt)('a signal that comes as the work ends still ends the process', async () => {
  const program = `
    import { setImmediate } from 'node:timers/promises';
    import { interruptible } from './lib/lowrank/dist/runtime/interruptible.js';
    const alive = setInterval(() => {}, 1000);
    for (const turns of [0, 1, 2]) {
      await interruptible(undefined, async () => {
        for (let turn = 0; turn < turns; turn++) await setImmediate();
        if (turns === Number(process.argv[1])) process.kill(process.pid, 'SIGTERM');
      });
    }
    clearInterval(alive);`;
  for (const turns of ['0', '1', '2']) {
    const child = spawn('node', ['--no-warnings', '--input-type=module', '-e', program, turns], { stdio: 'ignore' });
    expect(await once(child, 'close')).toEqual([null, 'SIGTERM']);
  }
});

describe('interruptible', () => {
  test('passes the given signal on, and leaves no listener behind', async () => {
    const listeners = process.listenerCount('SIGINT');
    const stop = new AbortController();
    const work = interruptible(stop.signal, async (signal) => {
      expect(process.listenerCount('SIGINT')).toBe(listeners + 1);
      stop.abort();
      return signal.aborted;
    });
    expect(await work).toBe(true);
    await expect(interruptible(undefined, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(process.listenerCount('SIGINT')).toBe(listeners);
  });

  test('where somebody else listens, a signal only stops the work', async () => {
    const seen: string[] = [];
    const other = (name: string) => void seen.push(name);
    process.on('SIGTERM', other);
    const aborted = await interruptible(undefined, async (signal) => {
      process.kill(process.pid, 'SIGTERM');
      await once(signal, 'abort');
      return signal.aborted;
    });
    process.off('SIGTERM', other);
    expect([aborted, seen]).toEqual([true, ['SIGTERM']]);
  });
});

test('a call from a notebook cell that was stopped begins stopped', async () => {
  const key = Symbol.for('lowrank.isOfStoppedCell');
  const isAborted = () => interruptible(undefined, async (signal) => signal.aborted);
  Reflect.set(globalThis, key, () => true);
  expect(await isAborted()).toBe(true);
  Reflect.set(globalThis, key, () => false);
  expect(await isAborted()).toBe(false);
  Reflect.deleteProperty(globalThis, key);
});
