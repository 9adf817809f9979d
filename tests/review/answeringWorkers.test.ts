import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { environments } from '../train/cluster/workers';
import type { Answering, Answers } from './answeringWorker';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 }); // several processes

const built = fs.existsSync('lib/review/dist/index.js'); // the processes run what `make build` made

/** What a worker says of each of its works; a killed one says nothing of its last. */
async function run(parts: readonly Answering[], environment: Record<string, string> = {}): Promise<Answers[]> {
  const child = spawn('node', ['--no-warnings', 'tests/review/answeringWorker.ts', JSON.stringify(parts)], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, TF_NUM_INTRAOP_THREADS: '1', ...environment },
  });
  const said = await text(child.stdout);
  return said.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Answers]));
}

async function together(works: readonly (readonly Answering[])[]): Promise<Answers[][]> {
  const places = await environments(works.length);
  return Promise.all(works.map((parts, rank) => run(parts, places[rank])));
}

describe.skipIf(!built)('workers that answer together', () => {
  let alone: Answers | undefined;
  let workers: Answers[][];
  // Two processes do all that leaves the cluster whole, and last what does not.
  beforeAll(async () => {
    [[alone], workers] = await Promise.all([
      run([{}]),
      together([
        [{}, {}, {}],
        [{}, { fault: 'stop' }, { seed: 8 }],
      ]),
    ]);
  });

  test('have the answers of one process, each of them all, in the order of the examples', () => {
    expect(alone?.error).toBeUndefined();
    expect(alone?.answers?.map(({ id }) => Number(id))).toEqual([...Array(27).keys()].map((i) => i % 9));
    expect(new Set(alone?.answers?.map(({ text: words, probability }) => probability ?? words)).size).toBeGreaterThan(10);
    for (const [first] of workers) expect(first?.answers).toEqual(alone?.answers);
    // five groups in each task, of which the first worker answers three, and the second two
    expect(workers.map(([first]) => first?.progress.slice(0, 3))).toEqual([
      [4, 8, 9],
      [4, 8, 4],
    ]);
  });

  test('stop together where one of them is stopped', () => {
    expect(workers.map(([, second]) => second?.error?.code)).toEqual(['ABORTED', 'ABORTED']);
  });

  test('refuse one with another model, before anything is answered', () => {
    for (const [, , third] of workers) {
      expect(third?.error?.message).toMatch(/worker 1 \(127\.0\.0\.1:\d+\) has another model \(/);
      expect(third?.progress).toEqual([]);
    }
  });

  test('name the one that is killed', async () => {
    const [left] = await together([[{ timeout: 12 }], [{ timeout: 12, fault: 'kill' }]]);
    expect(left?.[0]?.error).toEqual({
      code: 'CLUSTER',
      message: expect.stringMatching(/lost worker 1 \(127\.0\.0\.1:\d+\): no (answer|heartbeat)/),
    });
  });
});
