/** The three tasks one after the other on the hunks of a diff. */
import type { PredictOptions } from '../predictReviews';
import { predictReviews } from '../predictReviews';
import type { ReviewTask } from '../prompts';
import type { ReviewExample } from '../reviewExample';
import type { ReviewerModel, ReviewerTokenizer } from '../reviewerModel';
import { type DiffHunk, hunkExample } from './diffHunks';

/** What a reviewer has to say about one hunk. */
export interface Review {
  readonly hunk: DiffHunk;
  /** How probable it is that the hunk needs a review; undefined where nobody was asked. */
  readonly probability?: number;
  readonly comment: string;
  /** The hunk's code as it might be after the comment was followed; undefined where nobody was asked, or nothing would change. */
  readonly refinedCode?: string;
}

/** Gives the model of a task, with its adapter active; undefined for a task that is to be left out. */
export type TaskModels = (task: ReviewTask) => ReviewerModel | undefined;

/** How a diff is reviewed. */
export interface ReviewDiffOptions
  extends Pick<PredictOptions, 'threshold' | 'maxLength' | 'batchSize' | 'generation' | 'languageLabel' | 'signal'> {
  /** Hunks that go through the tasks together, so that an adapter is switched three times per group and not per hunk. @defaultValue 32 */
  readonly groupSize?: number;
  /** Told how many hunks are done. */
  readonly onProgress?: (hunks: number) => void;
  /** Told how many hunks of the group are answered in a task, and of how many. */
  readonly onAnswers?: (task: ReviewTask, done: number, count: number) => void;
}

/**
 * Reviews hunks as they come: asks whether each needs a review, then for a comment on those, then for the refined code.
 *
 * Without a model for necessity every hunk is commented on; without one for refinement no code is suggested.
 */
export async function* reviewDiff(
  models: TaskModels,
  tokenizer: ReviewerTokenizer,
  hunks: AsyncIterable<DiffHunk> | Iterable<DiffHunk>,
  { groupSize = 32, onProgress, ...options }: ReviewDiffOptions = {},
): AsyncGenerator<Review> {
  let group: DiffHunk[] = [];
  let done = 0;
  const finish = async () => {
    const reviews = await reviewGroup(models, tokenizer, group, options);
    done += group.length;
    onProgress?.(done);
    group = [];
    return reviews;
  };
  for await (const hunk of hunks) {
    group.push(hunk);
    if (group.length === groupSize) yield* await finish();
  }
  if (group.length > 0) yield* await finish();
}

async function reviewGroup(
  models: TaskModels,
  tokenizer: ReviewerTokenizer,
  hunks: readonly DiffHunk[],
  { onAnswers, ...options }: ReviewDiffOptions,
): Promise<Review[]> {
  const answers = async (task: ReviewTask, examples: readonly ReviewExample[]) => {
    const model = examples.length === 0 ? undefined : models(task);
    const onProgress = (done: number) => onAnswers?.(task, done, examples.length);
    return model && predictReviews(model, tokenizer, task, examples, { ...options, onProgress });
  };
  const necessity = await answers('necessity', hunks.map(hunkExample));
  const needed = hunks.flatMap((hunk, i) => {
    const { text, probability } = necessity?.[i] ?? { text: 'yes' };
    return text === 'yes' ? [{ hunk, ...(probability !== undefined && { probability }) }] : [];
  });
  const comments = await answers(
    'comment',
    needed.map(({ hunk }) => hunkExample(hunk)),
  );
  const said = needed.flatMap((each, i) => {
    const comment = comments?.[i]?.text.trim() ?? '';
    return comment === '' ? [] : [{ ...each, comment }];
  });
  const withCode = said.map(({ hunk, comment }) => ({ ...hunkExample(hunk), comment }));
  const refined = await answers('refinement', withCode);
  return said.map((each, i) => {
    const code = refined?.[i]?.text;
    const isChange = code !== undefined && code.trim() !== '' && code.trim() !== each.hunk.code.trim();
    return isChange ? { ...each, refinedCode: code } : each;
  });
}
