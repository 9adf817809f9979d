/** Bars side by side in groups, with intervals and reference lines. */
import { ArgumentError } from 'lowrank/errors';
import { checkKnown, checkOneOf } from 'lowrank/internal';
import { Figure } from '../figure';
import { methodOf } from '../methodStyles';
import { textWidth } from '../textWidth';
import { INK, SERIES_COLOURS } from '../theme';
import { nominal, quantity } from './fields';
import { rangeOf } from './numericAxis';
import { checkIntervals, colourBySeries, distinct, readable, rounded, stylesOf } from './series';

/** One bar: its group, series and height. */
export interface GroupedBar {
  readonly group: string;
  readonly series: string;
  readonly value: number;
  /** Lower end of the interval. */
  readonly low?: number;
  /** Upper end of the interval. */
  readonly high?: number;
}

/** Settings of `groupedBars`. */
export interface GroupedBarsOptions {
  /** The measured quantity and its unit. */
  readonly yTitle: string;
  readonly title?: string;
  /** Formats the number at each bar. @defaultValue four significant digits */
  readonly format?: (value: number) => string;
  /** `horizontal` writes each group at the left of its bars, for long names. @defaultValue `vertical` if the names fit below the bars */
  readonly direction?: 'vertical' | 'horizontal';
  /** `descending` begins with the group whose first bar is largest. @defaultValue `given` */
  readonly sort?: 'given' | 'descending';
  /** Whether each bar has its number. @defaultValue `true` up to 24 bars */
  readonly numbers?: boolean;
  /** What the groups are, for example `decoder layer`. @defaultValue none */
  readonly groupTitle?: string;
  /** Dashed lines for comparison, for example the share of yes in the data. */
  readonly references?: readonly { readonly label: string; readonly value: number }[];
}

const MANY_BARS = 24;
const PALE = 0.5;
/** The widest plot of vertical bars, in pixels; with more bars, the plot is horizontal. */
const WIDEST = 640;

interface Row {
  readonly group: string;
  readonly series: string;
  readonly value: number | null;
  readonly text: string;
  readonly low?: number | null;
  readonly high?: number | null;
  /** Position of the number: the end of the bar, or of its interval. */
  readonly end: number | null;
}

function rowOf({ group, series, value, low, high }: GroupedBar, format: (value: number) => string): Row {
  const row = { group, series, value: rounded(value), text: format(value) };
  if (low === undefined || high === undefined) return { ...row, end: row.value };
  return { ...row, low: rounded(low), high: rounded(high), end: rounded(value < 0 ? low : high) };
}

const widest = (texts: readonly string[]) => rangeOf(texts.map((text) => textWidth(text, 11)))[1];

function orderOf(bars: readonly GroupedBar[], sort: 'given' | 'descending'): string[] {
  const groups = distinct(bars.map((bar) => bar.group));
  const first = (group: string) => bars.find((bar) => bar.group === group)?.value ?? Number.NEGATIVE_INFINITY;
  return sort === 'given' ? groups : groups.sort((a, b) => first(b) - first(a));
}

/** The range of the values and 0, with room for the numbers at the ends. */
function domainOf(values: readonly (number | null)[], room: number): [low: number, high: number] | undefined {
  const finite = [0, ...values].filter((value): value is number => value !== null && Number.isFinite(value));
  const [low, high] = rangeOf(finite);
  const ends = room * (high - low);
  return low < high ? [low < 0 ? low - ends : 0, high > 0 ? high + ends : 0] : undefined;
}

/**
 * Grouped bars, one bar per series, with the value at each bar, and its interval if it has one.
 *
 * @throws ArgumentError when there are no bars, a group has a series twice, or an interval has one end only
 */
export function groupedBars(bars: readonly GroupedBar[], options: GroupedBarsOptions): Figure {
  checkKnown('groupedBars', options, ['yTitle', 'title', 'format', 'direction', 'sort', 'numbers', 'groupTitle', 'references']);
  if (bars.length === 0) throw new ArgumentError('groupedBars has no bars; pass at least one');
  const { yTitle, title, format = readable, sort = 'given', numbers = bars.length <= MANY_BARS, groupTitle, references = [] } = options;
  checkOneOf('sort', sort, ['given', 'descending']);
  checkIntervals(bars, ({ group }) => group);
  bars.forEach((bar, index) => {
    if (bars.findIndex(({ group, series }) => group === bar.group && series === bar.series) === index) return;
    throw new ArgumentError(`${bar.series} is twice in the group '${bar.group}'; give each bar its own group or series`);
  });
  const series = distinct(bars.map((bar) => bar.series));
  const groups = orderOf(bars, sort);
  const rows = bars.map((bar) => rowOf(bar, format));
  const isMultiple = series.length > 1;
  const textRoom = numbers ? widest(rows.map(({ text }) => text)) + 8 : 0;
  const barStep = Math.ceil(Math.max(isMultiple ? 28 : numbers ? 44 : 16, textRoom));
  const groupStep = Math.ceil(Math.max(barStep * (isMultiple ? series.length * 1.2 : 1.3), numbers ? widest(groups) + 14 : 0));
  const { direction = groupStep * groups.length <= WIDEST ? 'vertical' : 'horizontal' } = options;
  checkOneOf('direction', direction, ['vertical', 'horizontal']);
  const isVertical = direction === 'vertical';

  const length = isVertical ? 200 : 360;
  const domain = domainOf(
    [...rows.flatMap(({ value, low = null, high = null }) => [value, low, high]), ...references.map(({ value }) => value)],
    numbers ? (isVertical ? 18 : textRoom) / (length - textRoom) : 0.04,
  );
  const [main, other] = isVertical ? (['y', 'x'] as const) : (['x', 'y'] as const);
  const height = {
    type: 'quantitative',
    title: yTitle,
    stack: null,
    ...(domain ? { scale: { domain, nice: false } } : {}),
    axis: { tickCount: 5, ...(isVertical ? { minExtent: 36 } : {}) },
  };
  const place = {
    [other]: {
      field: 'group',
      type: 'nominal',
      sort: groups,
      title: groupTitle ?? null,
      axis: { ticks: false, domain: false, labelOverlap: !numbers, ...(isVertical ? { labelAngle: 0 } : { labelPadding: 8 }) },
    },
    ...(isMultiple ? { [`${other}Offset`]: { field: 'series', type: 'nominal', sort: series } } : {}),
  };
  const hasInterval = rows.some(({ low }) => low !== undefined);
  const tooltip = [
    nominal('group', groupTitle ?? 'group'),
    ...(isMultiple ? [nominal('series', 'series')] : []),
    nominal('text', yTitle),
    ...(hasInterval ? ['low', 'high'].map((field) => quantity(field, field, '.4~g')) : []),
  ];
  const interval = {
    data: { values: rows.filter(({ low }) => low !== undefined) },
    mark: { type: 'rule', strokeWidth: 2, color: INK },
    encoding: { ...place, [main]: { ...height, field: 'low' }, [`${main}2`]: { field: 'high' }, tooltip },
  };
  const number = (isNegative: boolean) => ({
    data: { values: rows.filter(({ value }) => (value ?? 0) < 0 === isNegative) },
    mark: {
      type: 'text',
      color: INK,
      ...(isVertical
        ? { baseline: isNegative ? 'top' : 'bottom', dy: isNegative ? 4 : -3 }
        : { baseline: 'middle', align: isNegative ? 'right' : 'left', dx: isNegative ? -5 : 5 }),
    },
    encoding: { ...place, [main]: { ...height, field: 'end' }, text: nominal('text') },
  });
  const hasNegative = rows.some(({ value }) => (value ?? 0) < 0);
  const step = isVertical ? (isMultiple ? Math.ceil(groupStep / (1.2 * series.length)) : groupStep) : isMultiple ? 18 : 26;
  const size = isMultiple ? { step, for: 'offset' } : { step };
  const isTitledAbove = references.length > 0 && !isVertical;
  const view = {
    ...(title ? { title: isTitledAbove ? { text: title, offset: 26 } : title } : {}),
    ...(isVertical ? { width: size, height: length } : { width: length, height: size }),
    layer: [
      {
        data: { values: rows },
        // A paler bar, on white and on dark paper, lets the interval that lies on it be seen.
        mark: {
          type: 'bar',
          ...(hasInterval ? { opacity: PALE } : {}),
          ...(isMultiple ? {} : { [isVertical ? 'width' : 'height']: { band: 0.75 } }),
        },
        encoding: { ...place, [main]: { ...height, field: 'value' }, ...colourOf(series, groups), tooltip },
      },
      ...(hasInterval ? [interval] : []),
      ...(numbers ? [number(false)] : []),
      ...(numbers && hasNegative ? [number(true)] : []),
      ...(hasNegative ? [{ data: { values: [{}] }, mark: { type: 'rule' }, encoding: { [main]: { datum: 0 } } }] : []),
      ...references.flatMap((each) => comparison(each, isVertical)),
    ],
  };
  return new Figure(view, sentenceOf(groups, rows, { ...options, format }));
}

/** By series; in one series, groups that are methods have the methods' colours, and the groups beside them one. */
function colourOf(series: readonly string[], groups: readonly string[]): object {
  if (series.length > 1) return { color: colourBySeries(series) };
  const isMethod = (group: string) => methodOf(group) !== undefined;
  if (!groups.some(isMethod)) return { color: { ...colourBySeries(series), legend: null } };
  const range = stylesOf(groups).map(({ colour }, index) => (isMethod(groups[index] ?? '') ? colour : SERIES_COLOURS[0]));
  return { color: { field: 'group', type: 'nominal', scale: { domain: groups, range }, legend: null } };
}

/** A dashed line across all bars, with its name at its end. */
function comparison({ label, value }: { readonly label: string; readonly value: number }, isVertical: boolean): object[] {
  const data = { values: [{ label }] };
  const at = { datum: rounded(value) };
  const text = isVertical
    ? { mark: { align: 'left', baseline: 'middle', dx: 6 }, encoding: { y: at, x: { value: 'width' } } }
    : { mark: { align: 'center', baseline: 'bottom', dy: -4 }, encoding: { x: at, y: { value: 0 } } };
  return [
    { data, mark: { type: 'rule', strokeDash: [4, 4], color: INK }, encoding: isVertical ? { y: at } : { x: at } },
    { data, mark: { type: 'text', color: INK, ...text.mark }, encoding: { ...text.encoding, text: nominal('label') } },
  ];
}

function sentenceOf(groups: readonly string[], rows: readonly Row[], options: GroupedBarsOptions): string {
  const { yTitle, title, references = [], format = readable } = options;
  const isMultiple = new Set(rows.map(({ series }) => series)).size > 1;
  const textOf = ({ text, low, high }: Row) =>
    typeof low === 'number' && typeof high === 'number' ? `${text} (${format(low)} to ${format(high)})` : text;
  const parts = groups.map((group) => {
    const own = rows.filter((row) => row.group === group);
    return `${group}: ${own.map((row) => (isMultiple ? `${row.series} ${textOf(row)}` : textOf(row))).join(', ')}`;
  });
  const compared = references.map(({ label, value }) => `; ${label} ${format(value)}`).join('');
  return `Bar chart of ${yTitle}${title ? ` (${title})` : ''}. ${parts.join('; ')}${compared}.`;
}
