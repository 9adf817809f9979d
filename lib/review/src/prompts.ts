/** The three instructions of LLaMA-Reviewer (Lu et al. 2023, arXiv 2308.11148) in Alpaca's frame, in our own words. */

import { ArgumentError, type TextExample } from 'lowrank';
import { checkKnown, nearestName } from 'lowrank/internal';
import type { ReviewExample } from './reviewExample';

/** Necessity: does the hunk need a review? Comment: what should the reviewer say? Refinement: what is the code after the comment? */
export const reviewTasks = ['necessity', 'comment', 'refinement'] as const;

/** A review task: necessity asks whether a hunk needs a comment, comment writes one, refinement writes the code that answers it. */
export type ReviewTask = (typeof reviewTasks)[number];

/** Settings of a prompt. */
export interface PromptOptions {
  /** State the programming language before the code if the example names it. @defaultValue false */
  readonly languageLabel?: boolean;
}

/** The prompt of a task and the response to learn. */
export interface ReviewPrompt extends TextExample {
  /** The part of `prompt` that may be cut when the prompt is too long: the code, from `start` up to but not including `end`. */
  readonly cuttable: { readonly start: number; readonly end: number };
}

const preamble = 'Here is an instruction that states a task, and an input that it is about. Write a response that does what it asks.';

const instructions: Readonly<Record<ReviewTask, string>> = {
  necessity: 'Decide whether this diff hunk needs a code review. Answer with yes or no.',
  comment: 'Review this code and write one constructive review comment.',
  refinement: 'Rewrite this code so that it follows the review comment.',
};

/**
 * The prompt of one task for one example, and the response to learn.
 *
 * `response` is empty when the example has no answer, so that a model can also be asked about unlabelled examples.
 *
 * @throws ArgumentError when the example lacks an input of the task.
 */
export function reviewPrompt(task: ReviewTask, example: ReviewExample, options: PromptOptions = {}): ReviewPrompt {
  checkKnown('reviewPrompt', options, ['languageLabel']);
  const { languageLabel = false } = options;
  const { before, code } = input(task, example);
  const label = languageLabel && example.language !== '' ? `The programming language is: '${example.language}'\n` : '';
  const head = `${preamble}\n\n### Instruction:\n${instructions[task]}\n\n### Input:\n${label}${before}'`;
  return {
    prompt: `${head}${code}'\n\n### Response:\n`,
    response: response(task, example),
    cuttable: { start: head.length, end: head.length + code.length },
  };
}

/** Whether the example has both the inputs and the answer of the task, so that it can serve for training or measurement. */
export function isExampleOf(task: ReviewTask, example: ReviewExample): boolean {
  checkFields(example);
  const { patch, code, markedCode, needsReview, comment, refinedCode } = example;
  if (task === 'necessity') return patch !== undefined && needsReview !== undefined;
  if (comment === undefined) return false;
  if (task === 'comment') return (patch ?? code) !== undefined;
  return (markedCode ?? code) !== undefined && refinedCode !== undefined;
}

const FIELDS: readonly string[] = [
  'id',
  'source',
  'language',
  'patch',
  'needsReview',
  'comment',
  'code',
  'markedCode',
  'refinedCode',
  'origin',
] satisfies (keyof ReviewExample)[];

/** Usual fields of one's own, a letter away from `patch` and `code`. */
const OWN_FIELDS: readonly string[] = ['path', 'mode', 'node'];

/** A misspelled field, which would leave its example out, in words with the right name. Fields of one's own pass, such as `commentId`. */
export function misspelledField(example: object): string | undefined {
  for (const name of Object.keys(example)) {
    const meant = [...FIELDS, ...OWN_FIELDS].includes(name) ? undefined : nearestName(name, FIELDS);
    const isLonger = meant !== undefined && name.length > meant.length + 1 && name.toLowerCase().includes(meant.toLowerCase());
    if (meant !== undefined && !isLonger && !(meant in example)) return `a field '${name}', which is not read; did you mean '${meant}'?`;
  }
  return undefined;
}

function checkFields(example: ReviewExample): void {
  const misspelled = misspelledField(example);
  if (misspelled !== undefined) throw new ArgumentError(`example ${example.id} has ${misspelled}`);
}

function input(task: ReviewTask, example: ReviewExample): { before: string; code: string } {
  checkFields(example);
  const { id, patch, code, markedCode, comment } = example;
  if (task === 'refinement') {
    const marked = markedCode ?? code;
    if (comment === undefined || marked === undefined) throw new ArgumentError(`example ${id} lacks a comment or code to refine`);
    return { before: `The comment is: '${comment}'\nThe code is: `, code: marked };
  }
  if (patch !== undefined) return { before: 'The diff hunk is: ', code: patch };
  if (task === 'necessity' || code === undefined) throw new ArgumentError(`example ${id} has no diff hunk for the ${task} task`);
  return { before: 'The code is: ', code };
}

function response(task: ReviewTask, { needsReview, comment = '', refinedCode = '' }: ReviewExample): string {
  if (task === 'comment') return comment;
  if (task === 'refinement') return refinedCode;
  return needsReview === undefined ? '' : needsReview ? 'yes' : 'no';
}
