import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { readSafetensors } from 'lowrank';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { withoutOptions } from '../../lib/lowrank/src/cli/workers/launchWorkers';
import { temporaryFolder } from '../io/temporaryFolder';
import { saveSmallModel } from '../review/cli/smallReviewer';
import { lowrank } from './run';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 }); // each test starts several processes

const folder = temporaryFolder();
const built = fs.existsSync('lib/lowrank/dist/index.js'); // the processes run what `make build` made

beforeAll(async () => {
  await saveSmallModel(folder('model'));
  const lines = Array.from({ length: 40 }, (_, i) => JSON.stringify({ prompt: `Say ${i} and`, completion: ` ${i + 1}, then ${i * i}.` }));
  fs.writeFileSync(folder('texts.jsonl'), lines.join('\n'));
});

const words = (output: string, steps = '45') => [
  ...['train', '--data', folder('texts.jsonl'), '--model', folder('model'), '--output', folder(output), '--rank', '2'],
  ...['--steps', steps, '--batch-size', '2', '--accumulate', '2', '--held-out', '4', '--dropout', '0.1'],
];

function startLaunch(
  output: string,
  more: readonly string[],
  steps?: string,
): { readonly child: ChildProcess; readonly ended: Promise<number>; said(): string } {
  const child = spawn('node', ['lib/lowrank/bin/lowrank.js', ...words(output, steps), ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += chunk));
  return { child, ended: once(child, 'close').then(([code]) => Number(code)), said: () => said };
}

/** The adapter's numbers. */
function weights(output: string): number[] {
  const file = readSafetensors(folder(`${output}/adapter_model.safetensors`));
  return file.names.flatMap((name) => Array.from(file.toFloat32(name)));
}

function largest(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))));
}

describe.skipIf(!built)('train --workers 2', () => {
  test('writes the adapter of one process, also when a worker is killed on the way', async () => {
    expect((await lowrank(words('alone'))).code).toBe(0);
    const { child, ended, said } = startLaunch('killed', ['--workers', '2', '--max-restarts', '1']);
    while (!fs.existsSync(folder('killed/run')) || !fs.readdirSync(folder('killed/run')).some((name) => /step-20$/.test(name)))
      await wait(20);
    const [, second] = fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ').map(Number);
    process.kill(second ?? Number.NaN, 'SIGKILL');
    expect(await ended).toBe(0);
    expect(said()).toMatch(/2 workers \(TF_CONFIG\)/);
    expect(said()).toMatch(/lost worker 1 .*: no answer/);
    expect(said()).toMatch(/worker 1 was ended by SIGKILL; restart 1 of 1, from the last checkpoint/);
    expect(weights('killed').length).toBeGreaterThan(100);
    expect(largest(weights('killed'), weights('alone'))).toBeLessThan(1e-6);
    expect(fs.existsSync(folder('killed/run'))).toBe(false);
  });

  test('the workers end with their launcher, also when it is killed, and the run is saved', async () => {
    const { child, said } = startLaunch('orphans', ['--workers', '2'], '100000');
    while (!/step \d/.test(said())) await wait(20);
    const workers = fs.readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').map(Number);
    expect(workers).toHaveLength(2);
    child.kill('SIGKILL');
    await expect.poll(() => workers.filter((pid) => fs.existsSync(`/proc/${pid}`)), { timeout: 60_000 }).toEqual([]);
    expect(fs.readdirSync(folder('orphans/run')).some((name) => /step-\d+$/.test(name))).toBe(true);
  });

  test('does not begin again where a worker fails by itself', async () => {
    const { ended, said } = startLaunch('wrong', ['--workers', '2', '--max-length', '1']);
    expect(await ended).toBe(2);
    expect(said()).toMatch(/exceed 1 tokens: raise --max-length/);
    expect(said()).not.toMatch(/restart/);
  });
});

test('more workers than could ever compute are refused before one is started', async () => {
  const { code, stderr } = await lowrank([...words('many'), '--workers', '100000']);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/--workers 100000: each loads the whole model, .* give at most \d+/)]);
});

test("the workers get the command's words without those of the launcher", () => {
  const given = ['--data', 'x', '--workers', '2', '--max-restarts=1', '--quiet', '--workers=3'];
  expect(withoutOptions(given, ['workers', 'max-restarts'])).toEqual(['--data', 'x', '--quiet']);
});
