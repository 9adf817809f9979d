/** The loss of single runs; `lossCurves` draws methods with several seeds each. */
import type { Figure } from '../../figure';
import { linePlot } from './linePlot';
import type { LinePlotOptions } from './lineSeries';

/** The losses of one run. */
export interface LossSeries {
  readonly label: string;
  readonly points: readonly { readonly step: number; readonly loss: number }[];
}

/** Settings of `lossCurve`. */
export interface LossCurveOptions extends Partial<LinePlotOptions> {}

/** Loss by training step. */
export function lossCurve(series: readonly LossSeries[], options: LossCurveOptions = {}): Figure {
  const lines = series.map(({ label, points }) => ({ label, points: points.map(({ step, loss }) => ({ x: step, y: loss })) }));
  return linePlot(lines, { xTitle: 'step', yTitle: 'loss (nats per token)', ...options });
}
