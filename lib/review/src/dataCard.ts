/** Summarizes a data set in tables and curves, for a look before training. */

import type { PromptTokenizer } from 'lowrank/internal';
import { checkKnown, checkWhole } from 'lowrank/internal';
import { normalizedHunk } from './lintReviews/splitByPackage';
import { isExampleOf, type ReviewTask, reviewPrompt, reviewTasks } from './prompts';
import type { ReviewExample, ReviewSplits } from './reviewExample';

/** A table row by column name; `nodejs-polars` and danfojs build data frames from such rows. */
export type TableRow = Readonly<Record<string, string | number>>;

/** The tables of a data set. */
export interface DataCard {
  /** Examples per part, in total and per task. */
  readonly counts: readonly TableRow[];
  /** Tokens of prompt and response per part and task. */
  readonly lengths: readonly TableRow[];
  /** Examples per language and part. */
  readonly languages: readonly TableRow[];
  /** Examples that occur more than once in a part. */
  readonly duplicates: readonly TableRow[];
  /** Examples that two parts share. Code and packages should share nothing. */
  readonly leakage: readonly TableRow[];
  /** Share of the examples, in %, with at most this many tokens, in the format of `linePlot`; one line per task. */
  readonly lengthCurves: readonly { readonly label: string; readonly points: readonly { readonly x: number; readonly y: number }[] }[];
}

/** Settings of a data card. */
export interface DataCardOptions {
  /** Measures lengths in tokens; without it, there are no length tables. */
  readonly tokenizer?: PromptTokenizer;
  /** Maximum examples per part and task whose tokens are counted. @defaultValue 500 */
  readonly maxMeasured?: number;
}

const parts = ['train', 'validation', 'test'] as const;

/**
 * Counts, lengths, languages, duplicates and overlap of a data set.
 *
 * @throws ArgumentError when `maxMeasured` is not a whole number from 1 up.
 */
export function dataCard(splits: ReviewSplits, options: DataCardOptions = {}): DataCard {
  checkKnown('dataCard', options, ['tokenizer', 'maxMeasured']);
  const { tokenizer, maxMeasured = 500 } = options;
  if (maxMeasured !== Number.POSITIVE_INFINITY) checkWhole('maxMeasured', maxMeasured);
  const measured = tokenizer ? measure(splits, tokenizer, maxMeasured) : [];
  return {
    counts: parts.map((part) => countRow(part, splits[part])),
    lengths: measured.map(({ part, task, lengths }) => lengthRow(part, task, lengths)),
    languages: languageRows(splits),
    duplicates: parts.map((part) => duplicateRow(part, splits[part])),
    leakage: leakageRows(splits),
    lengthCurves: reviewTasks.flatMap((task) => {
      const lengths = measured.filter((each) => each.task === task).flatMap((each) => each.lengths);
      return lengths.length === 0 ? [] : [{ label: task, points: curve(lengths) }];
    }),
  };
}

/** The code of an example, normalized for comparison: no diff header, and every run of white space replaced by one blank. */
function normalizedCode(example: ReviewExample): string {
  if (example.code !== undefined) return normalizedHunk(example);
  const lines = (example.patch ?? '').split('\n').filter((line) => !line.startsWith('@@'));
  return lines
    .map((line) => line.slice(1))
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
}

function countRow(part: string, examples: readonly ReviewExample[]): TableRow {
  const of = (task: ReviewTask) => examples.filter((example) => isExampleOf(task, example));
  return {
    part,
    examples: examples.length,
    'necessity, yes': of('necessity').filter(({ needsReview }) => needsReview).length,
    'necessity, no': of('necessity').filter(({ needsReview }) => !needsReview).length,
    comment: of('comment').length,
    refinement: of('refinement').length,
  };
}

interface Measured {
  readonly part: string;
  readonly task: ReviewTask;
  readonly lengths: readonly number[];
}

function measure(splits: ReviewSplits, tokenizer: PromptTokenizer, limit: number): Measured[] {
  return parts.flatMap((part) =>
    reviewTasks.flatMap((task) => {
      const own = splits[part].filter((example) => isExampleOf(task, example));
      const step = Math.max(1, Math.ceil(own.length / limit)); // spread over the whole part
      const lengths = own.filter((_, i) => i % step === 0).map((example) => tokensOf(tokenizer, task, example));
      return lengths.length === 0 ? [] : [{ part, task, lengths: lengths.sort((a, b) => a - b) }];
    }),
  );
}

function tokensOf(tokenizer: PromptTokenizer, task: ReviewTask, example: ReviewExample): number {
  const { prompt, response } = reviewPrompt(task, example);
  return tokenizer.encode(prompt).length + tokenizer.encode(response, { addSpecialTokens: false }).length + 1;
}

function lengthRow(part: string, task: string, lengths: readonly number[]): TableRow {
  const at = (share: number) => lengths[Math.min(lengths.length - 1, Math.floor(share * lengths.length))] ?? 0;
  return { part, task, 'examples measured': lengths.length, median: at(0.5), '90 %': at(0.9), '99 %': at(0.99), longest: at(1) };
}

function curve(lengths: readonly number[]): { x: number; y: number }[] {
  const sorted = [...lengths].sort((a, b) => a - b);
  const steps = 40;
  return Array.from({ length: steps + 1 }, (_, i) => {
    const index = Math.min(sorted.length - 1, Math.floor((i / steps) * sorted.length));
    return { x: sorted[index] ?? 0, y: (100 * (index + 1)) / sorted.length };
  });
}

function languageRows(splits: ReviewSplits): TableRow[] {
  const name = (example: ReviewExample) => example.language || 'not said';
  const names = [...new Set(parts.flatMap((part) => splits[part].map(name)))];
  const count = (part: (typeof parts)[number], language: string) => splits[part].filter((example) => name(example) === language).length;
  const rows = names.map((language) => {
    const [train, validation, test] = parts.map((part) => count(part, language));
    return { language, train: train ?? 0, validation: validation ?? 0, test: test ?? 0 };
  });
  return rows.sort((a, b) => b.train - a.train);
}

function duplicateRow(part: string, examples: readonly ReviewExample[]): TableRow {
  const repeats = (keys: readonly string[]) => keys.length - new Set(keys).size;
  const comments = examples.flatMap(({ comment }) => (comment === undefined ? [] : [comment.trim()]));
  return {
    part,
    examples: examples.length,
    'same code again': repeats(examples.map(normalizedCode)),
    'same code and comment again': repeats(examples.map((example) => `${normalizedCode(example)}\n${example.comment ?? ''}`)),
    'same comment again': repeats(comments),
  };
}

function leakageRows(splits: ReviewSplits): TableRow[] {
  const pairs = [
    ['train', 'validation'],
    ['train', 'test'],
    ['validation', 'test'],
  ] as const;
  return pairs.map(([first, second]) => {
    const shared = (key: (example: ReviewExample) => string | undefined) => {
      const inFirst = new Set(splits[first].map(key));
      return splits[second].filter((example) => key(example) !== undefined && inFirst.has(key(example))).length;
    };
    return {
      parts: `${first} and ${second}`,
      'examples with code of both': shared((example) => normalizedCode(example) || undefined),
      'with a package of both': shared(({ origin }) => origin?.package),
      'with a comment of both': shared(({ comment }) => comment?.trim()),
    };
  });
}
