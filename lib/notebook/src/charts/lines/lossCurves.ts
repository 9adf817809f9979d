/** The loss of methods, each with its seeds; `lossCurve` draws single runs. */
import { ArgumentError } from 'lowrank/errors';
import { checkKnown, checkOneOf } from 'lowrank/internal';
import type { Figure } from '../../figure';
import { distinct } from '../series';
import { linePlot } from './linePlot';
import { LINE_PLOT_OPTIONS, type LinePlotOptions } from './lineSeries';

/** The losses of one seed of one method. */
export interface LossRun {
  readonly method: string;
  readonly points: readonly { readonly step: number; readonly loss: number; readonly seconds?: number }[];
}

/** Settings of `lossCurves`. */
export interface LossCurvesOptions extends Partial<LinePlotOptions> {
  /** The x axis. @defaultValue `steps` */
  readonly over?: 'steps' | 'seconds';
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Loss by steps or seconds, one line per method: the mean over its seeds, in a band from the lowest to the highest. Only the steps that all
 * seeds of a method have are drawn, at the mean of their seconds.
 *
 * @throws ArgumentError when no run has a point, a method's seeds share no step, or seconds are missing
 */
export function lossCurves(runs: readonly LossRun[], options: LossCurvesOptions = {}): Figure {
  checkKnown('lossCurves', options, [...LINE_PLOT_OPTIONS, 'over']);
  const { over = 'steps', ...rest } = options;
  checkOneOf('over', over, ['steps', 'seconds']);
  const series = distinct(runs.map(({ method }) => method)).map((method) => {
    const seeds = runs.filter((run) => run.method === method);
    const steps = (seeds[0]?.points ?? []).map(({ step }) => step);
    const points = steps.flatMap((step) => {
      const here = seeds.flatMap((run) => run.points.find((point) => point.step === step) ?? []);
      if (here.length < seeds.length) return [];
      const losses = here.map(({ loss }) => loss);
      const seconds = here.map((point) => point.seconds ?? Number.NaN);
      if (over === 'seconds' && seconds.some(Number.isNaN)) throw new ArgumentError(`${method} has no seconds at step ${step}`);
      const band = seeds.length > 1 ? { low: Math.min(...losses), high: Math.max(...losses) } : {};
      return [{ x: over === 'steps' ? step : mean(seconds), y: mean(losses), ...band }];
    });
    if (points.length === 0) throw new ArgumentError(`the ${seeds.length} runs of ${method} share no step`);
    return { label: method, points };
  });
  return linePlot(series, { xTitle: over === 'steps' ? 'step' : 'seconds', yTitle: 'held-out loss (nats per token)', ...rest });
}
