/** Turns the measurements of all cells into the rows of the table. */

import { weightedMean } from 'lowrank/internal';
import type { Prediction } from '../predictReviews';
import type { ReviewTask } from '../prompts';
import type { ReviewExample, ReviewSplits } from '../reviewExample';
import type { ConfidenceInterval } from '../scores/bootstrapInterval';
import { reviewMetrics } from '../scores/scoreReviews';
import type { OTHER_ROWS } from './experimentConfig';
import type { ExperimentDifference, ExperimentMetric, ExperimentRow } from './experimentResults';
import { type Answer, type MeasuredCell, type MeasuredLoss, rounded } from './measureCell';
import { differenceInterval, meanInterval, type SeedScore } from './seededBootstrap';

/** A measured cell, with the name of its row. */
export interface FinishedCell {
  readonly method: string;
  readonly task: ReviewTask;
  readonly cell: MeasuredCell;
}

interface ExperimentTable {
  readonly rows: ExperimentRow[];
  readonly differences: ExperimentDifference[];
}

/** The scores of one method on one task: those of each seed, over the examples or texts that the metric counts. */
interface MethodScores {
  readonly method: string;
  readonly task: ReviewTask;
  readonly metrics: ReadonlyMap<ExperimentMetric, { readonly seeds: readonly SeedScore[]; readonly examples: number }>;
}

/** One row per method, task and metric, with the answers that need no model, and the differences of the pairs. */
export function experimentTable(
  cells: readonly FinishedCell[],
  splitsOf: (task: ReviewTask) => ReviewSplits,
  pairs: readonly (readonly [string, string])[],
): ExperimentTable {
  const groups = new Map<string, FinishedCell[]>();
  for (const cell of cells) {
    const key = JSON.stringify([cell.method, cell.task]);
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  const tasks = [...new Set(cells.map(({ task }) => task))];
  const trivial = tasks.map((task) => trivialScores(task, splitsOf(task)));
  const scores = [...groups.values()].map((seeds) => methodScores(seeds, splitsOf)).concat(trivial);
  return { rows: scores.flatMap(rowsOf), differences: differencesOf(scores, pairs) };
}

function methodScores(cells: readonly FinishedCell[], splitsOf: (task: ReviewTask) => ReviewSplits): MethodScores {
  const [{ method, task }] = cells as readonly [FinishedCell];
  const { test } = splitsOf(task);
  const answered = cells.map(({ cell: { answers, threshold } }) => answerScores(task, test, answers, threshold));
  const metrics = new Map<ExperimentMetric, { seeds: readonly SeedScore[]; examples: number }>();
  for (const metric of answered[0]?.keys() ?? []) {
    const seeds = answered.flatMap((scores) => scores.get(metric) ?? []);
    metrics.set(metric, { seeds, examples: test.length });
  }
  const ofLoss = (name: 'losses' | 'code' | 'english', finish = (loss: number) => loss) => {
    const each = cells.map(({ cell }) => cell[name]);
    return { seeds: each.map((losses) => lossScore(losses, finish)), examples: each[0]?.length ?? 0 };
  };
  metrics.set('perplexity', ofLoss('losses', Math.exp));
  metrics.set('codeLoss', ofLoss('code'));
  metrics.set('englishLoss', ofLoss('english'));
  return { method, task, metrics };
}

function trivialScores(task: ReviewTask, splits: ReviewSplits): MethodScores {
  const { name, answers } = trivialAnswers(task, splits);
  const given = answers.map((text) => ({ text }));
  const scores = answerScores(task, splits.test, given);
  const metrics = new Map(Array.from(scores, ([metric, score]) => [metric, { seeds: [score], examples: splits.test.length }]));
  return { method: name, task, metrics };
}

const ORDER: Readonly<Record<ReviewTask, readonly ExperimentMetric[]>> = {
  necessity: ['f1', 'precision', 'recall', 'accuracy'],
  comment: ['bleu4', 'bleu4NoStopWords'],
  refinement: ['exactMatch', 'bleu4'],
};

/** The scores of one seed's answers. In the necessity task, an answer is yes at `threshold` and above. */
function answerScores(
  task: ReviewTask,
  test: readonly ReviewExample[],
  answers: readonly Answer[],
  threshold?: number,
): Map<ExperimentMetric, SeedScore> {
  const predictions: Prediction[] = test.map((example, i) => {
    const { text = '', probability } = answers[i] ?? {};
    const decided = threshold === undefined ? text : (probability ?? 0) >= threshold ? 'yes' : 'no';
    return { example, text: decided };
  });
  const statistics: ReadonlyMap<ExperimentMetric, (drawn: readonly Prediction[]) => number> = new Map(reviewMetrics(task, predictions));
  const scores = new Map<ExperimentMetric, SeedScore>();
  for (const metric of ORDER[task]) {
    const statistic = statistics.get(metric);
    if (statistic) scores.set(metric, (places) => statistic(places.map((place) => predictions[place] as Prediction)));
  }
  return scores;
}

/** The token-weighted mean of the drawn losses. */
function lossScore(losses: readonly MeasuredLoss[], finish: (loss: number) => number): SeedScore {
  const [values, tokens] = [losses.map(({ loss }) => loss), losses.map((each) => each.tokens)];
  return (places) => {
    const drawn = (numbers: readonly number[]) => places.map((place) => numbers[place] ?? 0);
    return finish(weightedMean(drawn(values), drawn(tokens)));
  };
}

function rowsOf({ method, task, metrics }: MethodScores): ExperimentRow[] {
  return Array.from(metrics, ([metric, { seeds, examples }]) => {
    const all = Array.from({ length: examples }, (_, place) => place);
    const perSeed = seeds.map((score) => rounded(score(all), 5));
    return { method, task, metric, ...roundedInterval(meanInterval(seeds, examples)), perSeed, examples };
  });
}

function differencesOf(scores: readonly MethodScores[], pairs: readonly (readonly [string, string])[]): ExperimentDifference[] {
  return pairs.flatMap(([method, reference]) =>
    scores
      .filter((each) => each.method === method)
      .flatMap(({ task, metrics }) => {
        const other = scores.find((each) => each.method === reference && each.task === task)?.metrics;
        return Array.from(metrics, ([metric, { seeds, examples }]) => {
          const against = other?.get(metric)?.seeds;
          if (!against) return [];
          return [{ method, reference, task, metric, ...roundedInterval(differenceInterval(seeds, against, examples)) }];
        }).flat();
      }),
  );
}

function roundedInterval({ value, low, high }: ConfidenceInterval): ConfidenceInterval {
  return { value: rounded(value, 5), low: rounded(low, 5), high: rounded(high, 5) };
}

/** The answers of one such rule to the test examples. */
interface TrivialAnswers {
  readonly name: Exclude<(typeof OTHER_ROWS)[number], 'base'>;
  readonly answers: readonly string[];
}

/** Necessity: always yes. Comment: the most frequent comment of the training part. Refinement: the unchanged code. */
function trivialAnswers(task: ReviewTask, { train, test }: ReviewSplits): TrivialAnswers {
  if (task === 'necessity') return { name: 'always yes', answers: test.map(() => 'yes') };
  if (task === 'refinement') return { name: 'copied code', answers: test.map(({ code = '' }) => code) };
  const comment = mostFrequent(train);
  return { name: 'most frequent comment', answers: test.map(() => comment) };
}

function mostFrequent(examples: readonly ReviewExample[]): string {
  const counts = new Map<string, number>();
  for (const { comment = '' } of examples) counts.set(comment, (counts.get(comment) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first?.[0] ?? '';
}
