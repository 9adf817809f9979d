import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createInterface } from 'node:readline';
import { loadCheckpoint, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { interruptible } from '../../lib/src/train/interruptible';
import { temporaryFolder } from '../io/temporaryFolder';
import { steps } from './smallRun';

const folder = temporaryFolder();

describe.skipIf(!fs.existsSync('lib/dist/index.js'))('a training process', () => {
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
