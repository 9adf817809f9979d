import fs from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { lockRun } from '../../../lib/lowrank/src/io/runLock';
import { temporaryFolder } from '../../io/temporaryFolder';
import { saveSmallAdapters, saveSmallModel } from '../../review/cli/smallReviewer';
import { lowrank } from '../run';

const folder = temporaryFolder();

beforeAll(async () => {
  await saveSmallModel(folder('model'));
  saveSmallAdapters(folder('adapters'));
  const lines = Array.from({ length: 400 }, (_, i) =>
    JSON.stringify({ patch: `@@ -1,1 +1,1 @@\n+let a${i};`, y: 1, msg: `Rename a${i}.`, lang: 'js' }),
  );
  fs.writeFileSync(folder('reviews.jsonl'), lines.join('\n'));
});

const words = (output: string) => [
  ...['train', '--task', 'comment', '--data', folder('reviews.jsonl'), '--model', folder('model'), '--output', folder(output)],
  ...['--rank', '2', '--steps', '2', '--batch-size', '2', '--held-out', '3'],
];

test('train saves its run in its own folder, goes on from there when it was interrupted, and tidies up at its end', async () => {
  const run = folder('out/comment/run');
  const stop = setInterval(() => fs.existsSync(run) && process.emit('SIGTERM', 'SIGTERM'), 1);
  const others = () => undefined;
  process.on('SIGTERM', others); // who keeps this process
  const { code, stderr } = await lowrank(words('out'));
  clearInterval(stop);
  process.off('SIGTERM', others);
  expect([code, fs.existsSync(run), fs.existsSync(folder('out/comment/adapter_config.json'))]).toEqual([2, true, false]);
  expect(stderr).toMatch(
    /measuring the loss of 3 held-out examples first.*[\s\S]*stopped after step \d; the run is saved in .*run, and the same command/,
  );
  const again = await lowrank(words('out'));
  expect(again.stderr).toMatch(/resuming the run in .*run/);
  expect([again.code, fs.existsSync(run), fs.existsSync(folder('out/comment/adapter_config.json'))]).toEqual([0, false, true]);
  expect(JSON.parse(fs.readFileSync(folder('out/comment/training_data.json'), 'utf8'))).toMatchObject({
    task: 'comment',
    languages: ['javascript'],
  });
  const python = '--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-a\n+b\n';
  const review = await lowrank(['review', '-', '--model', folder('model'), '--adapter', folder('out')], python);
  expect(review.stderr).toMatch(/^lowrank review: 1 hunk is in python, which comment was not trained on \(only on javascript\)/m);
  const third = await lowrank(words('out'));
  expect([third.code, third.stderr]).toEqual([2, expect.stringMatching(/already contains an adapter: pass --force to replace it/)]);
  expect((await lowrank([...words('out'), '--force', '--quiet'])).code).toBe(0);
}, 120_000);

test('the run may be saved in the output itself', async () => {
  const { code } = await lowrank([...words('same'), '--checkpoint', folder('same/comment'), '--quiet']);
  expect([code, fs.existsSync(folder('same/comment/adapter_config.json'))]).toEqual([0, true]);
}, 120_000);

test('an adapter that another process writes meanwhile is not replaced, and the run is kept', async () => {
  const [run, config] = [folder('shared/comment/run'), folder('shared/comment/adapter_config.json')];
  const other = setInterval(() => fs.existsSync(run) && fs.writeFileSync(config, '{}'), 1);
  const { code, stderr } = await lowrank(words('shared'));
  clearInterval(other);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/another process has written an adapter to .*comment meanwhile: pass --force/)]);
  expect([fs.readFileSync(config, 'utf8'), fs.existsSync(run)]).toEqual(['{}', true]);
}, 120_000);

test('an output into which another process trains is refused before the run begins, whatever the checkpoint', async () => {
  const release = lockRun(folder('busy/comment'));
  const { code, stderr } = await lowrank([...words('busy'), '--checkpoint', folder('elsewhere'), '--quiet']);
  release();
  expect([code, stderr, fs.existsSync(folder('elsewhere'))]).toEqual([
    2,
    expect.stringMatching(/busy\/comment is in use by another run/),
    false,
  ]);
  expect((await lowrank([...words('busy'), '--checkpoint', folder('elsewhere'), '--quiet'])).code).toBe(0);
  expect(fs.readdirSync(folder('busy/comment')).filter((name) => name.includes('lock'))).toEqual([]);
}, 120_000);
