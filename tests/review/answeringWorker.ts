/**
 * Answers examples of all three tasks: `node answeringWorker.ts JSON`, in the cluster that the environment describes if it describes one, and prints a
 * line of JSON. Its options say what it does wrong.
 */
import { joinCluster } from 'lowrank';
import { type Prediction, predictReviews, type ReviewExample } from 'lowrank-review';
import { letterModel, letterTokenizer } from './letterModel.ts';

/** What a test asks of a worker. */
export interface Answering {
  /** Of the model's weights. */
  readonly seed?: number;
  readonly timeout?: number;
  /** What it does after its first group of answers. */
  readonly fault?: 'kill' | 'stop';
}

/** What it prints. */
export interface Answers {
  readonly answers?: readonly (Omit<Prediction, 'example'> & { readonly id: string })[];
  /** The numbers of answered examples that it told. */
  readonly progress: readonly number[];
  readonly error?: { readonly code?: string; readonly message: string };
}

const { seed, timeout = 30, fault } = JSON.parse(process.argv[2] ?? '{}') as Answering;
const stop = new AbortController();
const progress: number[] = [];
const onProgress = (done: number) => {
  progress.push(done);
  if (fault === 'kill') process.kill(process.pid, 'SIGKILL');
  if (fault === 'stop') stop.abort();
};
const say = (answers: Answers) => console.log(JSON.stringify(answers));

try {
  const cluster = process.env.TF_CONFIG ? await joinCluster({ timeout, joinTimeout: 60 }) : undefined;
  const model = letterModel(seed);
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
  const options = { cluster, batchSize: 2, maxNewTokens: 5, signal: stop.signal, onProgress };
  const predictions: Prediction[] = [];
  for (const task of ['necessity', 'comment', 'refinement'] as const)
    predictions.push(...(await predictReviews(model, letterTokenizer, task, examples, options)));
  say({ answers: predictions.map(({ example, ...answer }) => ({ id: example.id, ...answer })), progress });
} catch (error) {
  const { code, message } = error as { code?: string; message: string };
  say({ error: { code, message }, progress });
}
