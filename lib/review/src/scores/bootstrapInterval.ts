import { ArgumentError } from 'lowrank';
import { checkGiven, checkKnown, checkWhole, seededRandom } from 'lowrank/internal';
import { mean } from './checkPairs';

/** Settings of the bootstrap. */
export interface BootstrapOptions {
  /** @defaultValue 1000 */
  readonly resamples?: number;
  /** Share of the resampled values inside the interval. @defaultValue 0.95 */
  readonly level?: number;
  /** @defaultValue 1 */
  readonly seed?: number;
}

/** A measured value and its uncertainty. */
export interface ConfidenceInterval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * A statistic of the examples with its percentile bootstrap interval (Efron 1979). Each resample draws as many examples with
 * replacement; the interval contains the share `level` of the resampled statistics.
 *
 * The default statistic is the mean. Pass another for scores such as F1, which are not a mean over examples.
 *
 * @throws ArgumentError when there are no examples, or an option is out of range.
 */
export function bootstrapInterval<T>(
  examples: readonly T[],
  options: BootstrapOptions & { readonly statistic: (drawn: readonly T[]) => number },
): ConfidenceInterval;
export function bootstrapInterval(values: readonly number[], options?: BootstrapOptions): ConfidenceInterval;
export function bootstrapInterval<T>(
  examples: readonly T[],
  options: BootstrapOptions & { statistic?: (drawn: readonly T[]) => number } = {},
): ConfidenceInterval {
  checkKnown('bootstrapInterval', options, ['resamples', 'level', 'seed', 'statistic']);
  const { resamples = 1000, level = 0.95, seed = 1, statistic = meanOfNumbers } = options;
  if (examples.length === 0) throw new ArgumentError('no examples to resample');
  if (options.statistic === undefined) checkGiven('bootstrapInterval(values)', { values: examples }, { values: 'number[]' });
  checkWhole('resamples', resamples);
  if (resamples > 1e7) throw new ArgumentError(`resamples ${resamples} is more than 10,000,000: the interval has settled long before`);
  if (!(level > 0 && level < 1)) throw new ArgumentError(`level ${level} is not between 0 and 1`);
  const random = seededRandom(seed);
  const draw = () => examples.map(() => examples[Math.floor(random() * examples.length)] as T);
  const drawn = Array.from({ length: resamples }, () => statistic(draw()));
  return { value: statistic(examples), ...percentileBounds(drawn, level) };
}

/** The bounds between which the share `level` of the resampled statistics lies, half of the others on each side. */
export function percentileBounds(drawn: readonly number[], level: number): Pick<ConfidenceInterval, 'low' | 'high'> {
  const sorted = [...drawn].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { low: at((1 - level) / 2), high: at((1 + level) / 2) };
}

function meanOfNumbers(drawn: readonly unknown[]): number {
  return mean(drawn as readonly number[]); // the overload without a statistic accepts only numbers
}
