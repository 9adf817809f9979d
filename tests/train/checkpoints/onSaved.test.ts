import fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { loadCheckpoint, tf, train } from 'lowrank';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../io/temporaryFolder';
import { BigramModel, countingExamples } from '../bigramModel';

const folder = temporaryFolder();

test('every checkpoint is whole when it is told of, and is waited for until it has been copied', async () => {
  const examples = countingExamples(4);
  const batch = { inputIds: examples.map(({ inputIds }) => inputIds), labels: examples.map(({ labels }) => labels) };
  const told: string[] = [];
  let isCopying = false;
  await train(new BigramModel(), [batch], {
    steps: 5,
    onStep: () => expect(isCopying).toBe(false),
    checkpoint: {
      directory: folder('run'),
      everySteps: 2,
      onSaved: async (path) => {
        isCopying = true;
        fs.cpSync(path, folder(`copy/${told.length}`), { recursive: true });
        await wait(5);
        told.push(path);
        isCopying = false;
      },
    },
  });
  expect(told.map((path) => /step-\d+$/.exec(path)?.[0])).toEqual(['step-2', 'step-4', 'step-5']);
  fs.renameSync(folder('copy/2'), folder('copy/checkpoint-1-step-5'));
  const copied = loadCheckpoint(folder('copy'));
  expect(copied?.step).toBe(5);
  tf.dispose(Object.values(copied?.tensors ?? {}));
});
