import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { beforeAll, expect, test, vi } from 'vitest';
import { writeSealed } from '../../../lib/review/src/sealedFile';
import { lowrank } from '../../cli/run';
import { temporaryFolder } from '../../io/temporaryFolder';
import { saveSmallAdapters, saveSmallModel } from './smallReviewer';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 }); // each test starts several processes

const folder = temporaryFolder();
const built = fs.existsSync('lib/review/dist/index.js'); // the processes run what `make build` made

/** One long training for each of two workers. */
const config = {
  methods: [{ name: 'LoRA', adapter: { peftType: 'LORA', r: 2, loraAlpha: 4 }, learningRates: [0.001, 0.002] }],
  tasks: ['comment'],
  seeds: [1, 2],
  sweep: { steps: 1_000_000 },
  maxSteps: 1_000_000,
  evaluateEvery: 1_000_000,
  patience: 1,
  warmupSteps: 1,
  maxLength: 200,
  batchSize: 2,
  examples: { train: 8, validation: 2, test: 2 },
  maxNewTokens: { comment: 4, refinement: 4 },
};
const review = (i: number) => ({
  ...{ id: `${i}`, source: 'lint', language: 'javascript', patch: `@@ -1,0 +1,1 @@\n+let a${i};`, code: `let a${i};` },
  ...{ needsReview: i % 3 === 0, comment: `Not ${i}.`, origin: { package: `p${i}`, version: '1.0.0', file: 'a.js', line: 1, rule: 'r' } },
});

beforeAll(async () => {
  await saveSmallModel(folder('model'));
  saveSmallAdapters(folder('adapters'));
  fs.writeFileSync(folder('reviews.jsonl'), Array.from({ length: 60 }, (_, i) => JSON.stringify(review(i))).join('\n'));
});

test.skipIf(!built)('eval prints with two workers what it prints with one', async () => {
  const words = [
    'eval',
    '--task',
    'necessity',
    '--data',
    folder('reviews.jsonl'),
    '--model',
    folder('model'),
    '--adapter',
    folder('adapters'),
  ];
  const more = ['--batch-size', '2', '--json'];
  const run = promisify(execFile);
  const [alone, two] = await Promise.all([
    lowrank([...words, ...more]),
    run('node', ['lib/lowrank/bin/lowrank.js', ...words, ...more, '--workers', '2']),
  ]);
  expect(JSON.parse(alone.stdout)).toMatchObject({
    task: 'necessity',
    scores: expect.arrayContaining([expect.objectContaining({ examples: 10 })]),
  });
  expect(two.stdout).toBe(alone.stdout);
  expect(two.stderr).toMatch(/2 workers \(TF_CONFIG\)/);
});

test.skipIf(!built)('the workers of an experiment end with their launcher, also when it is killed', async () => {
  writeSealed(folder('work/texts.json'), 'texts', { code: ['let a;', 'let b;'], english: ['A text.'] });
  fs.writeFileSync(folder('config.json'), JSON.stringify({ ...config, forms: { short: {} } }));
  const words = ['experiment', folder('config.json'), '--workers', '2', '--work', folder('work'), '--output', folder('results.json')];
  const launcher = spawn('node', ['lib/lowrank/bin/lowrank.js', ...words, '--data', folder('reviews.jsonl'), '--model', folder('model')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  launcher.stderr.on('data', (chunk) => (said += chunk));
  while (launcher.exitCode === null && !(/^0\/\d+ done/m.test(said) && /^worker 1: \d+\/\d+ done/m.test(said))) await wait(20);
  expect(said).toMatch(/^worker 1: \d+\/\d+ done/m);
  const workers = fs.readFileSync(`/proc/${launcher.pid}/task/${launcher.pid}/children`, 'utf8').trim().split(' ').map(Number);
  expect(workers).toHaveLength(2);
  launcher.kill('SIGKILL');
  try {
    await expect.poll(() => workers.filter((pid) => fs.existsSync(`/proc/${pid}`)), { timeout: 60_000 }).toEqual([]);
  } finally {
    for (const pid of workers) if (fs.existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
  }
});
