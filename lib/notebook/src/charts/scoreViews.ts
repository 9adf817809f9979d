/** The two forms of `scorePlot`: methods from the best to the worst, and scores against trained parameters. */
import { ArgumentError } from 'lowrank/errors';
import type { MethodStyle } from '../methodStyles';
import { INK } from '../theme';
import { nominal, quantity } from './fields';
import { endLabels } from './lines/endLabels';
import { NumericAxis, rangeOf } from './numericAxis';
import { placedText, placeLabels } from './placeLabels';
import { rule } from './ruleLines';
import { rounded } from './series';

/** The score of one method in one facet. */
export interface Score {
  readonly method: string;
  readonly value: number;
  /** Lower end of the interval. */
  readonly low?: number;
  /** Upper end of the interval. */
  readonly high?: number;
  /** The facet: the task, or the task and the data. @defaultValue one facet for all */
  readonly facet?: string;
  /** Trained parameters, for the form `parameters`; 0 for the base, which is drawn as a dashed line. */
  readonly parameters?: number;
  /** The scores of the seeds, drawn as small circles. */
  readonly seeds?: readonly number[];
}

const HEIGHT = 260;

type Styles = ReadonlyMap<string, MethodStyle>;

/** The scores of one facet and how they are drawn. */
export interface Facet {
  readonly name: string;
  readonly scores: readonly Score[];
  readonly scoreTitle: string;
  readonly styles: Styles;
  readonly format: (value: number) => string;
  /** Width of the axis in pixels, for the form `sorted`. */
  readonly width: number;
}

function tooltips(scoreTitle: string, withParameters: boolean) {
  return [
    nominal('method', 'method'),
    nominal('text', scoreTitle),
    nominal('interval', 'interval'),
    ...(withParameters ? [quantity('parameters', 'trained parameters', ',')] : []),
  ];
}

/** A score as a row of chart data. */
export function rowOf({ method, value, low, high, parameters }: Score, format: (value: number) => string) {
  const hasInterval = low !== undefined && high !== undefined;
  return {
    method,
    value: rounded(value),
    text: format(value),
    interval: hasInterval ? `${format(low)} to ${format(high)}` : 'none',
    ...(hasInterval ? { low: rounded(low), high: rounded(high) } : {}),
    ...(parameters !== undefined ? { parameters } : {}),
  };
}

function codes(styles: Styles) {
  const domain = [...styles.keys()];
  const code = (range: readonly unknown[]) => ({ field: 'method', type: 'nominal', scale: { domain, range }, legend: null });
  return {
    color: code([...styles.values()].map(({ colour }) => colour)),
    shape: code([...styles.values()].map(({ shape }) => shape)),
  };
}

const extent = ({ value, low = value, high = value, seeds = [] }: Score) => [value, low, high, ...seeds];

/**
 * The scores on the axis, and those too far below, which would squeeze the others: further from the next score than twice the range above.
 */
function splitFarBelow(scores: readonly Score[]): { readonly shown: readonly Score[]; readonly below: readonly Score[] } {
  const sorted = [...scores].sort((a, b) => b.value - a.value);
  const first = sorted.findIndex((score, index) => {
    const above = sorted.slice(0, index);
    if (above.length < 2) return false;
    const [least, most] = rangeOf(above.flatMap(extent));
    return least - rangeOf(extent(score))[1] > 2 * (most - least);
  });
  return first < 0 ? { shown: sorted, below: [] } : { shown: sorted.slice(0, first), below: sorted.slice(first) };
}

/** Methods from the best to the worst, with intervals, seeds and numbers; an arrow points to those far below the axis. */
export function sortedView({ name, scores, scoreTitle, styles, format, width }: Facet): object {
  const sorted = [...scores].sort((a, b) => b.value - a.value);
  const { shown, below } = splitFarBelow(scores);
  const rows = shown.map((score) => rowOf(score, format));
  const axis = new NumericAxis(shown.flatMap(extent), { length: width, padding: 0.06, count: 5 });
  const y = {
    field: 'method',
    type: 'nominal',
    sort: sorted.map(({ method }) => method),
    title: null,
    axis: { ticks: false, domain: false, labelPadding: 8 },
  };
  const x = axis.encoding('value', scoreTitle);
  const { color, shape } = codes(styles);
  const tooltip = tooltips(scoreTitle, false);
  const seeds = shown.flatMap(({ method, seeds: each = [] }) => each.map((value) => ({ method, value: rounded(value) })));
  return {
    title: { text: name, frame: 'group' }, // above the axis, which all facets of a column have at one place
    width,
    height: { step: 26 },
    layer: [
      {
        data: { values: rows.filter((row) => 'low' in row) },
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' }, color, tooltip },
      },
      { data: { values: seeds }, mark: { type: 'point', size: 20, strokeWidth: 1, opacity: 0.8 }, encoding: { y, x, color } },
      {
        data: { values: rows },
        mark: { type: 'point', filled: true, opacity: 1, size: 90 },
        encoding: { y, x, color, shape, tooltip },
      },
      {
        data: { values: below.map((score) => rowOf(score, format)) },
        mark: { type: 'point', shape: 'triangle-left', size: 60, opacity: 1 }, // beyond this end of the axis
        encoding: { y, x: { value: 5 }, color, tooltip },
      },
      {
        data: { values: sorted.map((score) => rowOf(score, format)) },
        mark: { type: 'text', align: 'left', dx: 8, color: INK },
        encoding: { y, x: { value: 'width' }, text: nominal('text') },
      },
    ],
  };
}

/** A thin line from a mark to its name. */
function leaderLine([x, y, x2, y2]: readonly number[]): object {
  const at = (value = 0) => ({ value: Math.round(value) });
  return {
    data: { values: [{}] },
    mark: { type: 'rule', color: INK, strokeWidth: 0.75 },
    encoding: { x: at(x), y: at(y), x2: at(x2), y2: at(y2) },
  };
}

/** Scores against trained parameters; a method without any is a dashed line. */
export function parametersView({ name, scores, scoreTitle, styles, format }: Facet): object {
  const WIDTH = 460;
  const missing = scores.find(({ parameters }) => parameters === undefined);
  if (missing) throw new ArgumentError(`${missing.method} has no parameters; the form 'parameters' needs them`);
  const trained = scores.filter(({ parameters = 0 }) => parameters > 0);
  const untrained = scores.filter(({ parameters = 0 }) => parameters === 0);
  const xs = new NumericAxis(
    trained.map(({ parameters = 0 }) => parameters),
    { length: WIDTH, kind: 'log', padding: 0.14 },
  );
  const split = splitFarBelow(scores);
  const below = split.below.filter(({ parameters = 0 }) => parameters === 0); // only a line may leave the axis
  const shown = [...split.shown, ...split.below.filter(({ parameters = 0 }) => parameters > 0)];
  const ys = new NumericAxis(shown.flatMap(extent), { length: HEIGHT, padding: 0.1 });
  const x = xs.encoding('parameters', 'trained parameters', { grid: false });
  const y = ys.encoding('value', scoreTitle, { minExtent: 36 });
  const { color, shape } = codes(styles);
  const rows = trained.map((score) => rowOf(score, format));
  const tooltip = tooltips(scoreTitle, true);
  const lines = untrained.map(({ method, value }) => {
    const isBelow = below.some((score) => score.method === method);
    const y = isBelow ? HEIGHT - 8 : Math.round(HEIGHT - ys.pixel(value));
    return { text: `${method} ${format(value)}${isBelow ? ' ↓' : ''}`, y, isBelow };
  });
  const rules = lines.filter(({ isBelow }) => !isBelow).map(({ y: at }) => rule({ y: at }, WIDTH, HEIGHT));
  const labels = placeLabels(
    trained.map(({ method, parameters = 0, value, low = value, high = value }) => ({
      text: method,
      x: xs.pixel(parameters),
      y: HEIGHT - ys.pixel(value),
      radius: 6,
      interval: [HEIGHT - ys.pixel(high), HEIGHT - ys.pixel(low)],
    })),
    WIDTH,
    HEIGHT,
    lines.map(({ y: at }) => at),
  );
  return {
    title: name,
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values: rows.filter((row) => 'low' in row) },
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color, tooltip },
      },
      { data: { values: rows }, mark: { type: 'point', filled: true, opacity: 1, size: 100 }, encoding: { x, y, color, shape, tooltip } },
      ...rules,
      ...endLabels(lines, WIDTH, HEIGHT),
      ...labels.flatMap(({ leader }) => (leader ? [leaderLine(leader)] : [])),
      ...labels.map(placedText),
    ],
  };
}
