/** Loads review data in three parts: the user's own, or the lint reviews. */
import nodePath from 'node:path';
import { AbortedError, ArgumentError, FormatError } from 'lowrank';
import { checkKnown, checkOneOf, checkWhole, deriveSeed, seededRandom, warn } from 'lowrank/internal';
import { LINT_OPTIONS, type LintReviewOptions, lintReviews } from '../lintReviews/lintReviews';
import { textHash } from '../lintReviews/packageSources';
import { normalizedHunk } from '../lintReviews/splitByPackage';
import { isExampleOf, reviewTasks } from '../prompts';
import type { ReviewExample, ReviewSplits } from '../reviewExample';
import { type ReadReviewsOptions, readFiledReviews } from './readReviews';

/** What to read, and how much. The options of `lintReviews`, except `seed` and `signal`, are for the lint reviews alone. */
export interface LoadReviewDataOptions extends ReadReviewsOptions, LintReviewOptions {
  /** A file, archive or folder for `readReviews`. @defaultValue the lint reviews, also for an empty path */
  readonly path?: string;
  /** Maximum examples per part, drawn at random if there are more. @defaultValue no limit */
  readonly maxExamples?: number;
}

type Part = keyof ReviewSplits;

/** Parts by a word of the file name, as in `cls-train.jsonl`, `msgTest.jsonl`, `valid.csv` and `test/a.jsonl`, but not in `latest.jsonl`. */
const partNames: readonly (readonly [RegExp, Part])[] = [
  [/(?<![a-z])train(ing)?(set|data)?(?![a-z])/i, 'train'],
  [/(?<![a-z])(val|valid(ation)?|eval(uation)?|dev)(set|data)?(?![a-z])/i, 'validation'],
  [/(?<![a-z])test(s|ing)?(set|data)?(?![a-z])/i, 'test'],
];

/**
 * Loads review data in three parts.
 *
 * The file names decide the parts. If they do not name all three, a hash of each example's code decides, with a tenth each for
 * validation and test, so that equal code is in one part only. Warns where the names of some files only tell a part.
 *
 * @throws FormatError as `readReviews` does, and when a part is empty; AbortedError when `signal` is aborted; ArgumentError for `onProblem`
 * or `maxProblems` without a path.
 */
export async function loadReviewData(options: LoadReviewDataOptions = {}): Promise<ReviewSplits> {
  checkKnown('loadReviewData', options, ['path', 'maxExamples', 'task', 'onProblem', 'maxProblems', ...LINT_OPTIONS]);
  const { path = '', maxExamples = Number.POSITIVE_INFINITY, task, onProblem, maxProblems, ...lint } = options;
  const { seed = 1 } = lint;
  if (maxExamples !== Number.POSITIVE_INFINITY) checkWhole('maxExamples', maxExamples);
  if (task !== undefined) checkOneOf('task', task, reviewTasks);
  if (path === '' && (onProblem !== undefined || maxProblems !== undefined))
    throw new ArgumentError('onProblem and maxProblems are about records in files, and without a path none are read: leave them out');
  if (path === '') return limited(await lintReviews(lint), { task, maxExamples, seed });
  const named = new Parts(maxExamples, seed);
  const hashed = new Parts(maxExamples, seed);
  const unnamed = new Set<string>();
  for await (const { file, example } of readFiledReviews(path, { task, onProblem, maxProblems })) {
    if (lint.signal?.aborted) throw new AbortedError(`reading ${path} was stopped`);
    const part = partOfName(nodePath.relative(path, file) || nodePath.basename(file));
    if (part) named.add(part, example);
    else unnamed.add(file);
    hashed.add(partOfCode(example), example);
  }
  const parts = named.isComplete ? named : hashed;
  if (!parts.isComplete)
    throw new FormatError(
      `${path}: ${hashed.total} examples${task ? ` of the ${task} task` : ''} are too few for three parts, train, validation and test`,
    );
  if (named.total > 0 && parts === hashed)
    warn(
      `${path}: the file names tell no examples for ${named.missing.join(' and ')}, so a hash of its code decides the part of each example`,
    );
  else if (named.total > 0 && unnamed.size > 0)
    warn(`${path}: left out, because their names tell no part as those of the others do: ${[...unnamed].join(', ')}`);
  return parts.splits;
}

/** Three random samples of a stream, each with at most `maxExamples` examples (Vitter 1985, algorithm R). */
class Parts {
  readonly splits: Record<Part, ReviewExample[]> = { train: [], validation: [], test: [] };
  private readonly seen: Record<Part, number> = { train: 0, validation: 0, test: 0 };
  private readonly random: () => number;

  constructor(
    private readonly limit: number,
    seed: number,
  ) {
    this.random = seededRandom(deriveSeed(seed));
  }

  get isComplete(): boolean {
    return this.missing.length === 0;
  }

  get missing(): string[] {
    return Object.entries(this.splits).flatMap(([part, examples]) => (examples.length > 0 ? [] : part));
  }

  get total(): number {
    return Object.values(this.seen).reduce((sum, count) => sum + count, 0);
  }

  add(part: Part, example: ReviewExample): void {
    const examples = this.splits[part];
    const place = examples.length < this.limit ? examples.length : Math.floor(this.random() * (this.seen[part] + 1));
    if (place < this.limit) examples[place] = example;
    this.seen[part]++;
  }
}

type Limits = Pick<LoadReviewDataOptions, 'task'> & { readonly maxExamples: number; readonly seed: number };

function limited(splits: ReviewSplits, { task, maxExamples, seed }: Limits): ReviewSplits {
  const parts = new Parts(maxExamples, seed);
  for (const part of ['train', 'validation', 'test'] as const)
    for (const example of splits[part]) if (task === undefined || isExampleOf(task, example)) parts.add(part, example);
  return parts.splits;
}

function partOfName(file: string): Part | undefined {
  const words = file.replace(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '-');
  return partNames.find(([pattern]) => pattern.test(words))?.[1];
}

function partOfCode(example: ReviewExample): Part {
  const code = normalizedHunk(example) || (example.patch ?? '');
  const share = (textHash(code) % 1000) / 1000;
  return share < 0.8 ? 'train' : share < 0.9 ? 'validation' : 'test';
}
