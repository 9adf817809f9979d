import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import { Figure } from '../figure';
import { INK } from '../theme';
import { colourBySeries, dashBySeries, distinct, readable, rounded, shapeBySeries } from './series';

/** One line, or one group of points. */
export interface LineSeries {
  readonly label: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** Settings of `linePlot` and `pointPlot`; put units into the axis titles. */
export interface LinePlotOptions {
  readonly xTitle: string;
  readonly yTitle: string;
  readonly title?: string;
  readonly xScale?: 'linear' | 'log';
  readonly yScale?: 'linear' | 'log';
  /** Dashed horizontal lines for comparison, for example the loss before training. */
  readonly references?: readonly { readonly label: string; readonly y: number }[];
}

const axisScale = (type: 'linear' | 'log' = 'linear') => (type === 'log' ? { type, nice: false } : { zero: false });

function plot(series: readonly LineSeries[], options: LinePlotOptions, mark: 'line' | 'point'): Figure {
  checkKnown(`${mark}Plot`, options, ['xTitle', 'yTitle', 'title', 'xScale', 'yScale', 'references']);
  const { xTitle, yTitle, title, xScale, yScale, references = [] } = options;
  if (series.every((each) => each.points.length === 0)) throw new ArgumentError(`nothing to plot for ${yTitle}: no series has a point`);
  const names = distinct(series.map((each) => each.label));
  const values = series.flatMap(({ label, points }) => points.map(({ x, y }) => ({ series: label, x: rounded(x), y: rounded(y) })));
  const code = mark === 'line' ? { strokeDash: dashBySeries(names) } : { shape: shapeBySeries(names) };
  const x = { field: 'x', type: 'quantitative', title: xTitle, scale: axisScale(xScale), axis: { grid: false, tickCount: 8 } };
  const y = { field: 'y', type: 'quantitative', title: yTitle, scale: axisScale(yScale), axis: { tickCount: 6, minExtent: 40 } };
  const drawn =
    mark === 'line'
      ? { type: 'line', strokeWidth: 2, interpolate: 'linear', tooltip: true, point: 'transparent' }
      : { type: 'point', filled: true, opacity: 1, size: 60, tooltip: true };
  const rules = {
    data: { values: references.map((each) => ({ label: each.label, y: rounded(each.y) })) },
    encoding: { y: { field: 'y', type: 'quantitative' } },
    layer: [
      { mark: { type: 'rule', strokeDash: [4, 4], color: INK } },
      {
        mark: { type: 'text', align: 'right', dy: -6, color: INK },
        encoding: { text: { field: 'label', type: 'nominal' }, x: { value: 480 } },
      },
    ],
  };
  const view = {
    ...(title ? { title } : {}),
    width: 480,
    height: 240,
    layer: [
      { data: { values }, mark: drawn, encoding: { x, y, color: colourBySeries(names), ...code } },
      ...(references.length > 0 ? [rules] : []),
    ],
  };
  const ends = series.flatMap(({ label, points }) => {
    const first = points[0];
    const last = points[points.length - 1];
    return first && last
      ? [`${label} from ${readable(first.y)} at ${readable(first.x)} to ${readable(last.y)} at ${readable(last.x)}`]
      : [];
  });
  const compared = references.map((each) => `${each.label} ${readable(each.y)}`);
  const name = mark === 'line' ? 'Line chart' : 'Point chart';
  return new Figure(view, `${name} of ${yTitle} against ${xTitle}${title ? ` (${title})` : ''}: ${[...ends, ...compared].join('; ')}.`);
}

/** Lines over a numeric axis, distinguished by colour and dash. */
export function linePlot(series: readonly LineSeries[], options: LinePlotOptions): Figure {
  return plot(series, options, 'line');
}

/** Points in a plane, distinguished by colour and shape. */
export function pointPlot(series: readonly LineSeries[], options: LinePlotOptions): Figure {
  return plot(series, options, 'point');
}
