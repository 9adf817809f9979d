import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { LoraConfig, loadCheckpoint, tf } from 'lowrank';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../io/temporaryFolder';
import { saveSmallAdapters, saveSmallModel } from '../review/cli/smallReviewer';

const folder = temporaryFolder();
const isBuilt = fs.existsSync('lib/lowrank/dist/cli/main.js'); // the processes run what `make build` made
/** Within which a command ends: the batch, the answers or the step that is under way, and the saving, on a machine with other work. */
const SECONDS = 15;

beforeAll(async () => {
  await saveSmallModel(folder('model'));
  saveSmallAdapters(folder('adapters'), { comment: new LoraConfig({ r: 4 }) });
  const reviews = Array.from({ length: 400 }, (_, i) => ({
    patch: `@@ -1,1 +1,1 @@\n+let a${i};`,
    y: 1,
    msg: `Rename a${i}.`,
    lang: 'js',
  }));
  fs.writeFileSync(folder('reviews.jsonl'), reviews.map((review) => JSON.stringify(review)).join('\n'));
  const hunks = Array.from({ length: 150 }, (_, i) => `@@ -${9 * i + 1} +${9 * i + 1} @@\n-let a${i};\n+var a${i};\n`);
  fs.writeFileSync(folder('long.diff'), `--- a/a.js\n+++ b/a.js\n${hunks.join('')}`);
});

/** Sends SIGTERM once what is printed matches; gives what was printed, how the process ended, and after how many seconds. */
async function terminated(words: readonly string[], when: RegExp) {
  const child = spawn('node', ['lib/lowrank/bin/lowrank.js', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MODEL: folder('model') },
  });
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let said = '';
  let sentAt = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk;
      if (sentAt > 0 || !when.test(said)) return;
      sentAt = performance.now();
      child.kill('SIGTERM');
    });
  }
  const [, signal] = await ended;
  return { said, signal, seconds: (performance.now() - sentAt) / 1000 };
}

describe.skipIf(!isBuilt)(`SIGTERM ends a command within ${SECONDS} seconds`, () => {
  test('in training, and the run is saved', async () => {
    const words = ['train', '--task', 'comment', '--data', folder('reviews.jsonl'), '--output', folder('out'), '--steps', '3000'];
    const { said, signal, seconds } = await terminated([...words, '--rank', '2', '--held-out', '3'], /evaluation/);
    expect([signal, said]).toEqual(['SIGTERM', expect.stringMatching(/stopped after step/)]);
    expect(seconds).toBeLessThan(SECONDS);
    const step = Number(/stopped after step (\d+); the run is saved/.exec(said)?.[1]);
    const saved = loadCheckpoint(folder('out/comment/run'));
    tf.dispose(Object.values(saved?.tensors ?? {}));
    expect(saved?.step).toBe(step);
  });

  test.each([
    ['an evaluation', ['eval', '--task', 'comment', '--data', folder('reviews.jsonl')], /^model: /],
    ['a review', ['review', folder('long.diff'), '--adapter', folder('adapters'), '--max-length', '200'], /a\.js:\d/],
  ] as const)('in %s', async (_, words, when) => {
    const { signal, seconds } = await terminated(words, when);
    expect(signal).toBe('SIGTERM');
    expect(seconds).toBeLessThan(SECONDS);
  });

  test('while it waits for a diff from a pipe that nobody writes to', async () => {
    execFileSync('mkfifo', [folder('pipe')]);
    const child = spawn('node', ['lib/lowrank/bin/lowrank.js', 'review', folder('pipe'), '--adapter', folder('adapters')], {
      stdio: 'ignore',
    });
    const ended = once(child, 'close');
    const writer = fs.openSync(folder('pipe'), 'w'); // returns when the command has opened it to read
    child.kill('SIGTERM');
    expect(await ended).toEqual([null, 'SIGTERM']);
    fs.closeSync(writer);
  });
});
