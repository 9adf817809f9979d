/**
 * One worker: `node worker.ts JSON` joins the cluster that the environment describes and makes the runs of a list, one after the other until one fails.
 * It prints a line of JSON for every step, and one at the end of every run.
 */
import fs from 'node:fs';
import { joinCluster } from 'lowrank';
import { type Part, runPart } from './part.ts';

const parts = JSON.parse(process.argv[2] ?? '[{}]') as Part[];
const say = (line: unknown) => void fs.writeSync(1, `${JSON.stringify(line)}\n`);

const fail: Record<NonNullable<Part['fault']>['kind'], () => void> = {
  kill: () => process.kill(process.pid, 'SIGKILL'),
  stop: () => process.kill(process.pid, 'SIGSTOP'),
  hang: () => {
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  },
  throw: () => {
    throw new Error('the disk of this worker is full');
  },
  interrupt: () => process.kill(process.pid, 'SIGTERM'),
};

try {
  const { timeout = 30, joinTimeout = 60 } = parts[0] ?? {};
  const cluster = process.env.TF_CONFIG || process.env.RANK ? await joinCluster({ timeout, joinTimeout }) : undefined;
  for (const part of parts) {
    const done = await runPart(part, cluster, (told) => {
      say(told);
      if (told.step === part.fault?.step) fail[part.fault.kind]();
    });
    say({ done });
  }
} catch (error) {
  const { code, message, workers } = error as { code?: string; message: string; workers?: number[] };
  say({ error: { code, message, workers } });
  process.exitCode = 2;
}
