/** Answers prompts in groups of similar length, which the workers of a cluster share out. */
import type { Cluster } from 'lowrank';
import { holdAdapters, interruptible, modelFacts, sha256, shareOut } from 'lowrank/internal';
import { longestFirst, type ReviewerModel } from './reviewerModel';

/** What every group is answered with. */
export interface Held {
  readonly stop: AbortSignal;
  /** Runs a pass with the adapters that were active at the call. */
  readonly act: <R>(pass: () => R) => R;
}

interface Answering {
  /** The name of the call that waits for the answers, for errors. */
  readonly call: string;
  readonly batchSize: number;
  readonly cluster?: Cluster | undefined;
  /** Everything else that the answers depend on; the workers of a cluster compare it. */
  readonly settings: unknown;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** The answer to each row, in order. The groups are the same on one process and on several workers, and so are the answers. */
export async function answerInGroups<Answer>(
  model: ReviewerModel,
  rows: readonly (readonly number[])[],
  answer: (group: readonly number[], held: Held) => Promise<readonly Answer[]>,
  { call, batchSize, cluster, settings, signal, onProgress }: Answering,
): Promise<Answer[]> {
  const groups = longestFirst(rows, batchSize);
  const answered = (count: number) => groups.slice(0, count).reduce((total, { length }) => total + length, 0);
  const results = await holdAdapters(model, call, (act) =>
    interruptible(signal, (stop) =>
      shareOut(cluster, {
        items: groups,
        work: (group) => answer(group, { stop, act }),
        facts: () => ({
          ...modelFacts(model),
          prompts: sha256(JSON.stringify(rows)).slice(0, 32),
          settings: JSON.stringify([batchSize, settings]),
        }),
        onProgress: (done) => onProgress?.(answered(done)),
      }),
    ),
  );
  const answers = new Array<Answer>(rows.length);
  for (const [number, group] of groups.entries()) {
    for (const [i, index] of group.entries()) answers[index] = results[number]?.[i] as Answer; // one for each row
  }
  return answers;
}
