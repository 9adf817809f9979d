/**
 * Answers examples of all three tasks, once for each element of a list: `node answeringWorker.ts JSON`, in the cluster that the environment describes if
 * it describes one, and prints a line of JSON each time. The elements say what it does wrong.
 */
import fs from 'node:fs';
import { type Cluster, joinCluster } from 'lowrank';
import { type Prediction, predictReviews, type ReviewExample } from 'lowrank-review';
import { letterModel, letterTokenizer } from './letterModel.ts';

/** What a test asks of a worker. */
export interface Answering {
  /** Of the model's weights. */
  readonly seed?: number;
  /** Of the cluster; the first element says it. */
  readonly timeout?: number;
  /** What it does after its first group of answers. */
  readonly fault?: 'kill' | 'stop';
}

/** What it prints of each. */
export interface Answers {
  readonly answers?: readonly (Omit<Prediction, 'example'> & { readonly id: string })[];
  /** The numbers of answered examples that it told. */
  readonly progress: readonly number[];
  readonly error?: { readonly code?: string; readonly message: string };
}

const parts = JSON.parse(process.argv[2] ?? '[{}]') as readonly Answering[];
const examples = Array.from(
  { length: 9 },
  (_, i): ReviewExample => ({
    ...{
      id: `${i}`,
      source: 'lint',
      language: 'javascript',
      patch: `@@ -1,0 +1,1 @@\n+let a${'b'.repeat(5 * (i % 4))};`,
      code: `let a${i};`,
    },
    ...{ markedCode: `let a${i};`, comment: `Not ${i}.`, needsReview: true },
  }),
);
const say = (answers: Answers) => fs.writeSync(1, `${JSON.stringify(answers)}\n`);

async function answer({ seed, fault }: Answering, cluster: Cluster | undefined): Promise<void> {
  const stop = new AbortController();
  const progress: number[] = [];
  const onProgress = (done: number) => {
    progress.push(done);
    if (fault === 'kill') process.kill(process.pid, 'SIGKILL');
    if (fault === 'stop') stop.abort();
  };
  const model = letterModel(seed);
  const options = { cluster, batchSize: 2, maxNewTokens: 5, signal: stop.signal, onProgress };
  try {
    const predictions: Prediction[] = [];
    for (const task of ['necessity', 'comment', 'refinement'] as const)
      predictions.push(...(await predictReviews(model, letterTokenizer, task, examples, options)));
    say({ answers: predictions.map(({ example, ...given }) => ({ id: example.id, ...given })), progress });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    say({ error: { code, message }, progress });
  } finally {
    model.dispose();
  }
}

const cluster = process.env.TF_CONFIG ? await joinCluster({ timeout: parts[0]?.timeout ?? 30, joinTimeout: 60 }) : undefined;
for (const part of parts) await answer(part, cluster);
