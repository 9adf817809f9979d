import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, test, vi } from 'vitest';
import { environments } from '../train/cluster/workers';
import type { Answering, Answers } from './answeringWorker';

vi.setConfig({ testTimeout: 300_000 }); // each test starts several processes

const built = fs.existsSync('lib/review/dist/index.js'); // the processes run what `make build` made

async function run(part: Answering, environment: Record<string, string> = {}): Promise<Answers | undefined> {
  const child = spawn('node', ['--no-warnings', 'tests/review/answeringWorker.ts', JSON.stringify(part)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, TF_NUM_INTRAOP_THREADS: '1', ...environment },
  });
  const said = await text(child.stdout);
  return said === '' ? undefined : (JSON.parse(said) as Answers);
}

async function together(parts: readonly Answering[]): Promise<(Answers | undefined)[]> {
  const places = await environments(parts.length);
  return Promise.all(parts.map((part, rank) => run(part, places[rank])));
}

describe.skipIf(!built)('workers that answer together', () => {
  test('have the answers of one process, each of them all, in the order of the examples', async () => {
    const [alone, workers] = await Promise.all([run({}), together([{}, {}])]);
    expect(alone?.error).toBeUndefined();
    expect(alone?.answers?.map(({ id }) => Number(id))).toEqual([...Array(27).keys()].map((i) => i % 9));
    expect(new Set(alone?.answers?.map(({ text: words, probability }) => probability ?? words)).size).toBeGreaterThan(10);
    for (const worker of workers) expect(worker?.answers).toEqual(alone?.answers);
    // five groups in each task, of which the first worker answers three, and the second two
    expect(workers.map((worker) => worker?.progress.slice(0, 3))).toEqual([
      [4, 8, 9],
      [4, 8, 4],
    ]);
  });

  test('refuse one with another model, before anything is answered', async () => {
    for (const worker of await together([{}, { seed: 8 }])) {
      expect(worker?.error?.message).toMatch(/worker 1 \(127\.0\.0\.1:\d+\) has another model \(/);
      expect(worker?.progress).toEqual([]);
    }
  });

  test('stop together where one of them is stopped', async () => {
    const workers = await together([{}, { fault: 'stop' }]);
    expect(workers.map((worker) => worker?.error?.code)).toEqual(['ABORTED', 'ABORTED']);
  });

  test('name the one that is killed', async () => {
    const [left] = await together([{ timeout: 12 }, { timeout: 12, fault: 'kill' }]);
    expect(left?.error).toEqual({
      code: 'CLUSTER',
      message: expect.stringMatching(/lost worker 1 \(127\.0\.0\.1:\d+\): no (answer|heartbeat)/),
    });
  });
});
