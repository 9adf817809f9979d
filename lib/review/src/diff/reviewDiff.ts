/** The three tasks one after the other on the hunks of a diff. */

import { checkKnown } from 'lowrank/internal';
import { answerRoom } from '../answerRoom';
import { type PredictOptions, predictReviews } from '../predictReviews';
import { type ReviewTask, reviewPrompt } from '../prompts';
import { isRepetitive } from '../repetition';
import type { ReviewExample } from '../reviewExample';
import type { ReviewerModel, ReviewerTokenizer } from '../reviewerModel';
import { type DiffHunk, hunkExample } from './diffHunks';

/** What a reviewer has to say about one hunk. */
export interface HunkReview {
  readonly hunk: DiffHunk;
  /** How probable it is that the hunk needs a review; undefined where nobody was asked. */
  readonly probability?: number;
  readonly comment: string;
  /**
   * All of the hunk's code as it might be after the comment was followed; undefined where nobody was asked, nothing would change, or the
   * answer is not whole, so that putting it in the code's place would lose some.
   */
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
  /** Is told of a hunk whose comment is not given, and why. */
  readonly onDecline?: (hunk: DiffHunk, reason: string) => void;
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
  options: ReviewDiffOptions = {},
): AsyncGenerator<HunkReview> {
  checkKnown('reviewDiff', options, [
    'groupSize',
    'onProgress',
    'onAnswers',
    'onDecline',
    'threshold',
    'maxLength',
    'batchSize',
    'generation',
    'languageLabel',
    'signal',
  ]);
  const { groupSize = 32, onProgress, ...asking } = options;
  let group: DiffHunk[] = [];
  let done = 0;
  const finish = async () => {
    const reviews = await reviewGroup(models, tokenizer, group, asking);
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
  { onAnswers, onDecline, ...options }: ReviewDiffOptions,
): Promise<HunkReview[]> {
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
    if (isRepetitive(comment)) onDecline?.(each.hunk, 'the model only repeats itself');
    return comment === '' || isRepetitive(comment) ? [] : [{ ...each, comment }];
  });
  const { maxLength = Number.POSITIVE_INFINITY } = options;
  const suggestible = said.filter(({ hunk, comment }) => {
    if (hunk.isCut || hunk.codeLines === 0) return false;
    const prompt = reviewPrompt('refinement', { ...hunkExample(hunk), comment }, { languageLabel: options.languageLabel });
    return answerRoom(tokenizer, 'refinement', prompt, { maxLength }).isWhole;
  });
  const refined = await answers(
    'refinement',
    suggestible.map(({ hunk, comment }) => ({ ...hunkExample(hunk), comment })),
  );
  return said.map((each) => {
    const answer = refined?.[suggestible.indexOf(each)];
    const refinedCode = answer === undefined || answer.isPartial ? undefined : replacement(answer.text, each.hunk.code);
    return refinedCode === undefined ? each : { ...each, refinedCode };
  });
}

/** An answer in the place of the code: with the line ends and the blank lines at the end that the code has. */
function replacement(answer: string, code: string): string | undefined {
  if (answer.trim() === '' || answer.trim() === code.trim() || (isRepetitive(answer) && !isRepetitive(code))) return undefined;
  const end = /\s*$/.exec(code)?.[0] ?? '';
  const lines = answer.trimEnd().split(/\r?\n/);
  return `${lines.join(/\r\n/.test(code) ? '\r\n' : '\n')}${end}`;
}
