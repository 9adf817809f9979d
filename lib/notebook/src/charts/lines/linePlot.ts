/** `linePlot` and `pointPlot`: series over a numeric axis. */
import { ArgumentError } from 'lowrank/errors';
import { checkKnown, checkOneOf } from 'lowrank/internal';
import { Figure } from '../../figure';
import type { MethodStyle } from '../../methodStyles';
import { textWidth } from '../../textWidth';
import { nominal } from '../fields';
import { NumericAxis } from '../numericAxis';
import { rule, topLabel } from '../ruleLines';
import { checkIntervals, colourBySeries, dashBySeries, distinct, readable, rounded, shapeBySeries, stylesOf } from '../series';
import { type EndLabel, endLabels } from './endLabels';
import { LINE_PLOT_OPTIONS, type LinePlotOptions, type LinePoint, type LineSeries } from './lineSeries';

const WIDTH = 480;
const HEIGHT = 240;
/** A line with more points than this has no markers. */
const MANY_POINTS = 24;

interface Row {
  readonly series: string;
  readonly x: number | null;
  readonly y: number | null;
  readonly low?: number | null;
  readonly high?: number | null;
}

function rowsOf({ label, points }: LineSeries): Row[] {
  return points.map(({ x, y, low, high }) => ({
    series: label,
    x: rounded(x),
    y: rounded(y),
    ...(low !== undefined && high !== undefined ? { low: rounded(low), high: rounded(high) } : {}),
  }));
}

function hasInterval(points: readonly LinePoint[]): boolean {
  return points.some(({ low, high }) => low !== undefined && high !== undefined);
}

/** The tooltip, with the titles of the axes. */
function tooltipOf(xTitle: string, yTitle: string, withInterval: boolean) {
  const number = (field: string, title: string) => ({ field, type: 'quantitative', title, format: '.4~g' });
  return [
    nominal('series', 'series'),
    number('x', xTitle),
    number('y', yTitle),
    ...(withInterval ? [number('low', 'low'), number('high', 'high')] : []),
  ];
}

function areDirect(names: readonly string[]): boolean {
  return names.length <= 7 && names.every((name) => textWidth(name, 11) <= 260);
}

function plot(series: readonly LineSeries[], options: LinePlotOptions, mark: 'line' | 'point'): Figure {
  checkKnown(`${mark}Plot`, options, LINE_PLOT_OPTIONS);
  const { xTitle, yTitle, title, xScale = 'linear', yScale = 'linear', references = [], xReferences = [], zero = false } = options;
  checkOneOf('xScale', xScale, ['linear', 'log']);
  checkOneOf('yScale', yScale, ['linear', 'log']);
  for (const { label, points, mark: own = mark } of series) {
    checkOneOf(`the mark of ${label}`, own, ['line', 'point']);
    checkIntervals(points, () => label);
  }
  const points = series.flatMap((each) => each.points);
  if (points.length === 0) throw new ArgumentError(`nothing to plot for ${yTitle}: no series has a point`);
  const names = distinct(series.map((each) => each.label));
  const styles: readonly MethodStyle[] = stylesOf(names);
  const { labels = areDirect(names) ? 'direct' : 'legend' } = options;
  checkOneOf('labels', labels, ['direct', 'legend']);
  const isDirect = labels === 'direct';
  const marksOf = (wanted: 'line' | 'point') => series.filter((each) => (each.mark ?? mark) === wanted);
  const dots = marksOf('point');
  const xs = new NumericAxis([...points.map(({ x }) => x), ...xReferences.map(({ x }) => x)], {
    length: WIDTH,
    kind: xScale,
    padding: dots.length > 0 ? 0.06 : 0.015,
    count: 8,
  });
  const ys = new NumericAxis([...points.flatMap(({ y, low = y, high = y }) => [y, low, high]), ...references.map(({ y }) => y)], {
    length: HEIGHT,
    kind: yScale,
    zero,
  });
  const x = xs.encoding('x', xTitle, { grid: false });
  const y = ys.encoding('y', yTitle, { minExtent: 40 });
  const colour = colourBySeries(names);
  const color = isDirect ? { ...colour, legend: null } : colour;
  const coded = <T extends object>(code: T) => (isDirect ? { ...code, legend: null } : code);
  const tooltip = tooltipOf(xTitle, yTitle, hasInterval(points));

  const isCoded = dots.length === 0; // beside points, the symbols of a legend are theirs, without dashes
  const lines = marksOf('line').flatMap((each) => {
    const isSparse = each.points.length <= MANY_POINTS;
    const { shape, dash } = styles[names.indexOf(each.label)] ?? {};
    const point = isSparse ? { filled: true, size: 34, opacity: 1, strokeDash: [], shape } : { opacity: 0 };
    return {
      data: { values: rowsOf(each) },
      mark: { type: 'line', strokeWidth: 2, interpolate: 'linear', point, ...(isCoded ? {} : { strokeDash: dash }) },
      encoding: { x, y, color, ...(isCoded ? { strokeDash: coded(dashBySeries(names)) } : {}), tooltip },
    };
  });
  const pointView = {
    data: { values: dots.flatMap(rowsOf) },
    mark: { type: 'point', filled: true, opacity: 1, size: 70 },
    encoding: { x, y, color, shape: coded(shapeBySeries(names)), tooltip },
  };
  const intervals = series.flatMap((each) => {
    if (!hasInterval(each.points)) return [];
    const data = { values: rowsOf(each).filter(({ low, high }) => low !== undefined && high !== undefined) };
    const range = { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color, tooltip };
    const isLine = (each.mark ?? mark) === 'line';
    return [{ data, mark: isLine ? { type: 'area', opacity: 0.2, line: false } : { type: 'rule', strokeWidth: 2 }, encoding: range }];
  });
  const view = {
    ...(title ? { title: xReferences.length > 0 ? { text: title, offset: 26 } : title } : {}),
    width: WIDTH,
    height: HEIGHT,
    layer: [
      ...intervals,
      ...lines,
      ...(dots.length > 0 ? [pointView] : []),
      ...references.map((each) => rule({ y: HEIGHT - ys.pixel(each.y) }, WIDTH, HEIGHT)),
      ...xReferences.flatMap((each) => [rule({ x: xs.pixel(each.x) }, WIDTH, HEIGHT), topLabel(each.label, xs.pixel(each.x), WIDTH)]),
      ...endLabels(
        [
          ...(isDirect ? namesAtEnds(series, names, styles, ys) : []),
          ...references.map((each) => ({ text: each.label, y: HEIGHT - ys.pixel(each.y) })),
        ],
        WIDTH,
        HEIGHT,
      ),
    ],
  };
  return new Figure(view, lineSentence(series, options, mark === 'line' ? 'Line chart' : 'Point chart'));
}

/** Each name at the height of the last point of its series. */
function namesAtEnds(series: readonly LineSeries[], names: readonly string[], styles: readonly MethodStyle[], ys: NumericAxis): EndLabel[] {
  return names.flatMap((text, index) => {
    const own = series.filter(({ label }) => label === text).flatMap(({ points }) => points);
    const last = own.filter(({ y }) => Number.isFinite(ys.pixel(y))).at(-1);
    const style = styles[index];
    return last && style && text ? [{ text, y: HEIGHT - ys.pixel(last.y), style }] : [];
  });
}

/** Lines over a numeric axis, distinguished by colour and dash, with an interval as a band. */
export function linePlot(series: readonly LineSeries[], options: LinePlotOptions): Figure {
  return plot(series, options, 'line');
}

/** Points in a plane, distinguished by colour and shape, with an interval as a rule. */
export function pointPlot(series: readonly LineSeries[], options: LinePlotOptions): Figure {
  return plot(series, options, 'point');
}

/** Describes a chart of lines or points in words: the ends of each series, and its references. */
function lineSentence(series: readonly LineSeries[], options: LinePlotOptions, name: string): string {
  const { xTitle, yTitle, title, references = [], xReferences = [] } = options;
  const value = ({ y, low, high }: LinePoint) =>
    low === undefined || high === undefined ? readable(y) : `${readable(y)} (${readable(low)} to ${readable(high)})`;
  const ends = series.flatMap(({ label, points }) => {
    const first = points[0];
    const last = points[points.length - 1];
    if (!first || !last) return [];
    if (points.length === 1) return [`${label} ${value(first)} at ${readable(first.x)}`];
    return [`${label} from ${value(first)} at ${readable(first.x)} to ${value(last)} at ${readable(last.x)}`];
  });
  const compared = [...references.map((each) => `${each.label} ${readable(each.y)}`)];
  const places = xReferences.map(({ label, x }) => (label === readable(x) ? `a line at ${label}` : `${label} at ${readable(x)}`));
  return `${name} of ${yTitle} against ${xTitle}${title ? ` (${title})` : ''}: ${[...ends, ...compared, ...places].join('; ')}.`;
}
