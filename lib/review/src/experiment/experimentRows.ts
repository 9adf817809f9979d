/** Turns the answers of all cells into the rows of the table. */
import { bootstrapInterval } from '../bootstrapInterval';
import type { Prediction } from '../predictReviews';
import type { ReviewTask } from '../prompts';
import type { ReviewExample, ReviewSplits } from '../reviewExample';
import { bestThreshold, type PredictionStatistic, reviewMetrics } from '../scoreReviews';
import type { Answer, CellPlan, CellResult } from './experimentCell';
import type { ExperimentMetric, ExperimentRow } from './experimentResults';

/** A finished cell. */
export interface FinishedCell {
  readonly plan: CellPlan;
  readonly result: CellResult;
}

/** One row per method, task and metric: the mean over the seeds, with a bootstrap interval over the examples. */
export function experimentRows(cells: readonly FinishedCell[], splitsOf: (task: ReviewTask) => ReviewSplits): ExperimentRow[] {
  const groups = new Map<string, FinishedCell[]>();
  for (const cell of cells) {
    const key = JSON.stringify([cell.plan.method?.name, cell.plan.task]);
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  return [...groups.values()].flatMap((seeds) => rowsOf(seeds, splitsOf));
}

function rowsOf(seeds: readonly FinishedCell[], splitsOf: (task: ReviewTask) => ReviewSplits): ExperimentRow[] {
  const [first] = seeds;
  if (!first) return [];
  const { task, method } = first.plan;
  const { test, validation } = splitsOf(task);
  const measured = seeds.map(({ result }) => {
    const predictions = predictionsOf(test, result.answers);
    const metrics: Map<ExperimentMetric, PredictionStatistic> = new Map(reviewMetrics(task, predictions));
    if (task === 'necessity') metrics.set('bestF1', f1At(bestThreshold(predictionsOf(validation, result.validationAnswers)).threshold));
    return { predictions, metrics };
  });
  const row = (metric: ExperimentMetric, interval: { value: number; low: number; high: number }, perSeed: readonly number[]) => ({
    method: method?.name ?? 'base',
    task,
    metric,
    value: rounded(interval.value),
    low: rounded(interval.low),
    high: rounded(interval.high),
    perSeed: perSeed.map(rounded),
    examples: test.length,
    trainableParameters: first.result.trainableParameters,
  });
  const names = [...(measured[0]?.metrics.keys() ?? [])];
  const rows = names.map((metric) => {
    const score = (seed: (typeof measured)[number], places: readonly number[]) =>
      seed.metrics.get(metric)?.(places.map((place) => seed.predictions[place] as Prediction)) ?? Number.NaN;
    const statistic = (places: readonly number[]) => mean(measured.map((seed) => score(seed, places)));
    const all = test.map((_, place) => place);
    return row(
      metric,
      bootstrapInterval(all, { statistic }),
      measured.map((seed) => score(seed, all)),
    );
  });
  return [...rows, perplexityRow(seeds, row)];
}

function perplexityRow(
  seeds: readonly FinishedCell[],
  row: (metric: ExperimentMetric, interval: { value: number; low: number; high: number }, perSeed: readonly number[]) => ExperimentRow,
): ExperimentRow {
  const perplexity = ({ result }: FinishedCell, places: readonly number[]) => {
    const drawn = places.flatMap((place) => result.losses[place] ?? []);
    const tokens = drawn.reduce((sum, each) => sum + each.tokens, 0);
    return Math.exp(drawn.reduce((sum, each) => sum + each.loss * each.tokens, 0) / tokens);
  };
  const all = seeds[0]?.result.losses.map((_, place) => place) ?? [];
  const statistic = (places: readonly number[]) => mean(seeds.map((seed) => perplexity(seed, places)));
  return row(
    'perplexity',
    bootstrapInterval(all, { statistic }),
    seeds.map((seed) => perplexity(seed, all)),
  );
}

function predictionsOf(examples: readonly ReviewExample[], answers: readonly Answer[]): Prediction[] {
  return examples.map((example, i) => ({ example, ...(answers[i] ?? { text: '' }) }));
}

/** F1 when the answer is yes at `threshold` and above. */
function f1At(threshold: number): PredictionStatistic {
  return (drawn) => {
    const answered = drawn.map((each) => ({ ...each, text: (each.probability ?? 0) >= threshold ? 'yes' : 'no' }));
    return reviewMetrics('necessity', answered).get('f1')?.(answered) ?? Number.NaN;
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function rounded(value: number): number {
  return Number(value.toPrecision(5));
}
