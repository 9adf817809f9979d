import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { loadCheckpoint, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../lib/lowrank/src/runtime';
import { temporaryFolder } from '../io/temporaryFolder';
import { fingerprint, type Kind, smallModel, smallRun, steps } from './smallRun';

const folder = temporaryFolder();
const built = fs.existsSync('lib/lowrank/dist/index.js'); // the process runs what `make build` made
/** `LONG=1` kills as often as the project's goals say. */
const kills = process.env.LONG ? 60 : 4;
const random = seededRandom(Number(process.env.SEED ?? 1));

/** Runs the process and kills it with SIGKILL so many milliseconds after it printed a step; gives the last step that it printed. */
async function runUntil(kind: Kind, directory: string, step: number, milliseconds: number): Promise<number> {
  const child = spawn('node', ['--no-warnings', 'tests/train/killedRun.ts', kind, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let last = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('step ')) last = Number(line.slice(5));
    if (last === step) {
      await wait(milliseconds);
      child.kill('SIGKILL');
      break;
    }
  }
  await ended;
  return last;
}

describe.skipIf(!built)('a run killed at any moment and begun again', () => {
  test.each(['lora', 'prefix'] as const)(
    'ends with the bits of one that was never interrupted and was in one process: %s',
    async (kind) => {
      const model = smallModel(kind);
      const whole = fingerprint(model, await smallRun(model)); // in this process, which keeps nothing on the disk
      model.dispose();
      const directory = folder(`${kind}-killed`);
      let reached = 0;
      for (let kill = 0; kill < kills; kill++) {
        if (reached >= steps - 1) fs.rmSync(directory, { recursive: true }); // begin anew: every step is to be killed at
        if (reached >= steps - 1) reached = 0;
        const target = reached + 1 + Math.floor(random() * 3);
        const step = await runUntil(kind, directory, target, Math.floor(random() * 12));
        const saved = loadCheckpoint(directory);
        tf.dispose(Object.values(saved?.tensors ?? {}));
        // A step is printed before it is saved, and the step before that was complete on the disk by then.
        expect(saved?.step ?? 0).toBeGreaterThanOrEqual(Math.max(0, step - 1));
        reached = saved?.step ?? 0;
      }
      expect(reached).toBeGreaterThan(0);
      const last = smallModel(kind); // this process ends what the killed ones have left
      expect(fingerprint(last, await smallRun(last, { checkpoint: { directory } }))).toBe(whole);
      last.dispose();
    },
    1_200_000,
  );
});
