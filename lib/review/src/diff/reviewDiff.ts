/** Runs the three tasks in turn on the hunks of a diff. */

import { checkKnown, checkWhole } from 'lowrank/internal';
import { answerBudget } from '../answerBudget';
import { type PredictOptions, predictReviews } from '../predictReviews';
import { type ReviewTask, reviewPrompt } from '../prompts';
import type { ReviewExample } from '../reviewExample';
import type { ReviewerModel, ReviewerTokenizer } from '../reviewerModel';
import type { DiffHunk } from './diffHunk';
import { hunkExample } from './diffHunks';

/** The review of one hunk. */
export interface HunkReview {
  readonly hunk: DiffHunk;
  /** Probability that the hunk needs a review; undefined without a necessity model. */
  readonly probability?: number;
  readonly comment: string;
  /**
   * All of the hunk's code as it might look after the comment. Undefined if there is no refinement model, nothing would change, or the
   * answer is incomplete and would lose code.
   */
  readonly refinedCode?: string;
}

/** Returns the model of a task with its adapter active, or undefined to skip the task. */
export type TaskModels = (task: ReviewTask) => ReviewerModel | undefined | Promise<ReviewerModel | undefined>;

/** How to review a diff. */
export interface ReviewDiffOptions
  extends Pick<PredictOptions, 'threshold' | 'maxLength' | 'batchSize' | 'generation' | 'languageLabel' | 'signal'> {
  /** Hunks that pass through the tasks together, so that adapters switch three times per group, not per hunk. @defaultValue 32 */
  readonly groupSize?: number;
  /** Called with the number of finished hunks. */
  readonly onProgress?: (hunks: number) => void;
  /** Called with the number of hunks of a group that a task has answered, and the size of the group. */
  readonly onAnswers?: (task: ReviewTask, done: number, count: number) => void;
  /** Called for a hunk of which only the beginning is read, because all of it and the answer of a task would exceed `maxLength`. */
  readonly onCut?: (hunk: DiffHunk) => void;
  /** Called for a hunk whose comment is dropped, with the reason. */
  readonly onDecline?: (hunk: DiffHunk, reason: string) => void;
}

/**
 * Reviews hunks as they arrive: first decides which need a review, then writes comments for those, then the refined code.
 *
 * Without a necessity model, every hunk gets a comment. Without a refinement model, no code is suggested.
 *
 * @throws ArgumentError for an unknown option, or when `groupSize` is not a whole number from 1 up; plus the errors of {@link predictReviews}.
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
    'onCut',
    'onDecline',
    'threshold',
    'maxLength',
    'batchSize',
    'generation',
    'languageLabel',
    'signal',
  ]);
  const { groupSize = 32, onProgress, ...asking } = options;
  checkWhole('groupSize', groupSize);
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
  { onAnswers, onCut, onDecline, ...options }: ReviewDiffOptions,
): Promise<HunkReview[]> {
  const answers = async (task: ReviewTask, examples: readonly ReviewExample[]) => {
    const model = examples.length === 0 ? undefined : await models(task);
    const onProgress = (done: number) => onAnswers?.(task, done, examples.length);
    return model && predictReviews(model, tokenizer, task, examples, { ...options, onProgress });
  };
  const { maxLength = Number.POSITIVE_INFINITY, languageLabel } = options;
  const fits = (task: ReviewTask, example: ReviewExample) =>
    answerBudget(tokenizer, task, reviewPrompt(task, example, { languageLabel }), { maxLength }).isWhole;
  const cut = new Set<DiffHunk>();
  const tellCut = (task: ReviewTask, asked: readonly DiffHunk[]) => {
    for (const hunk of onCut ? asked : []) {
      if (cut.has(hunk) || fits(task, hunkExample(hunk))) continue;
      cut.add(hunk);
      onCut?.(hunk);
    }
  };
  const necessity = await answers('necessity', hunks.map(hunkExample));
  if (necessity) tellCut('necessity', hunks);
  const needed = hunks.flatMap((hunk, i) => {
    const { text, probability } = necessity?.[i] ?? { text: 'yes' };
    return text === 'yes' ? [{ hunk, ...(probability !== undefined && { probability }) }] : [];
  });
  const comments = await answers(
    'comment',
    needed.map(({ hunk }) => hunkExample(hunk)),
  );
  if (comments)
    tellCut(
      'comment',
      needed.map(({ hunk }) => hunk),
    );
  const said = needed.flatMap((each, i) => {
    const comment = comments?.[i]?.text.trim() ?? '';
    if (isRepetitive(comment)) onDecline?.(each.hunk, 'the model repeats itself');
    return comment === '' || isRepetitive(comment) ? [] : [{ ...each, comment }];
  });
  const suggestible = said.filter(
    ({ hunk, comment }) => !hunk.isCut && hunk.codeLines > 0 && fits('refinement', { ...hunkExample(hunk), comment }),
  );
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

/** An answer with the line ends and final blank lines of the code that it replaces. */
function replacement(answer: string, code: string): string | undefined {
  if (answer.trim() === '' || answer.trim() === code.trim() || (isRepetitive(answer) && !isRepetitive(code))) return undefined;
  const end = /\s*$/.exec(code)?.[0] ?? '';
  const lines = answer.trimEnd().split(/\r?\n/);
  return `${lines.join(/\r\n/.test(code) ? '\r\n' : '\n')}${end}`;
}

const copies = 3;
const shortestUnit = 8; // characters; shorter passages repeat in any code
const longestText = 6000;

/** Whether one passage, at least three times in a row, fills at least half of a text. Quadratic; reads at most 6,000 characters. */
function isRepetitive(text: string): boolean {
  const words = text.trim().replace(/\s+/g, ' ').slice(0, longestText);
  for (let unit = shortestUnit; unit * copies <= words.length; unit++) {
    let run = 0;
    for (let i = unit; i < words.length; i++) {
      run = words[i] === words[i - unit] ? run + 1 : 0;
      if (run >= (copies - 1) * unit && 2 * (run + unit) >= words.length) return true;
    }
  }
  return false;
}
