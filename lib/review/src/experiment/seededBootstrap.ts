/** Bootstrap over test examples and seeds together. */
import { seededRandom } from 'lowrank/internal';
import { type ConfidenceInterval, percentileBounds } from '../scores/bootstrapInterval';
import { mean } from '../scores/checkPairs';

/** A score of one seed's answers, over the test examples at these places. */
export type SeedScore = (places: readonly number[]) => number;

const RESAMPLES = 1000;
const LEVEL = 0.95;

/**
 * The mean score over the seeds, with its percentile bootstrap interval (Efron 1979). Each resample draws the examples with replacement,
 * and the seeds with replacement: the interval covers both other data and other runs.
 */
export function meanInterval(seeds: readonly SeedScore[], examples: number): ConfidenceInterval {
  return interval(examples, (places, draw) => mean(draw(seeds).map((score) => score(places))));
}

/** The difference of two means, the first minus the second. Both are computed on the same drawn examples (a paired bootstrap). */
export function differenceInterval(first: readonly SeedScore[], second: readonly SeedScore[], examples: number): ConfidenceInterval {
  return interval(examples, (places, draw) => {
    const [a, b] = [first, second].map((seeds) => mean(draw(seeds).map((score) => score(places))));
    return (a ?? Number.NaN) - (b ?? Number.NaN);
  });
}

type Draw = (seeds: readonly SeedScore[]) => readonly SeedScore[];

function interval(examples: number, statistic: (places: readonly number[], draw: Draw) => number): ConfidenceInterval {
  const random = seededRandom(1);
  const below = (count: number) => Math.floor(random() * count);
  const all = Array.from({ length: examples }, (_, place) => place);
  const resampled: Draw = (seeds) => seeds.map(() => seeds[below(seeds.length)] as SeedScore);
  const drawn = Array.from({ length: RESAMPLES }, () =>
    statistic(
      all.map(() => below(examples)),
      resampled,
    ),
  );
  return { value: statistic(all, (seeds) => seeds), ...percentileBounds(drawn, LEVEL) };
}
