import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import { Figure } from '../figure';
import { INK } from '../theme';
import { colourBySeries, distinct, readable, rounded } from './series';

/** One bar: its group, series and height. */
export interface GroupedBar {
  readonly group: string;
  readonly series: string;
  readonly value: number;
}

/** Settings of `groupedBars`. */
export interface GroupedBarsOptions {
  /** The measured quantity and its unit. */
  readonly yTitle: string;
  readonly title?: string;
  /** Formats the number above each bar. @defaultValue four significant digits */
  readonly format?: (value: number) => string;
}

/** Grouped vertical bars, one bar per series, with the value above each bar. */
export function groupedBars(bars: readonly GroupedBar[], options: GroupedBarsOptions): Figure {
  checkKnown('groupedBars', options, ['yTitle', 'title', 'format']);
  if (bars.length === 0) throw new ArgumentError('groupedBars has no bars; pass at least one');
  const { yTitle, title, format = readable } = options;
  const series = distinct(bars.map((bar) => bar.series));
  const groups = distinct(bars.map((bar) => bar.group));
  const values = bars.map((bar) => ({ group: bar.group, series: bar.series, value: rounded(bar.value), text: format(bar.value) }));
  const highest = Math.max(...bars.map((bar) => bar.value).filter(Number.isFinite));
  const scale = highest > 0 ? { domainMax: 1.1 * highest, nice: false } : {}; // room for the number above the highest bar
  const view = {
    ...(title ? { title } : {}),
    width: series.length > 1 ? { step: Math.max(26, 52 - 8 * series.length), for: 'offset' } : { step: 64 },
    height: 200,
    data: { values },
    encoding: {
      x: { field: 'group', type: 'nominal', sort: groups, title: null, axis: { labelAngle: 0, ticks: false, labelLimit: 140 } },
      ...(series.length > 1 ? { xOffset: { field: 'series', type: 'nominal', sort: series } } : {}),
      y: { field: 'value', type: 'quantitative', title: yTitle, stack: null, scale, axis: { tickCount: 5, minExtent: 36 } },
    },
    layer: [
      { mark: { type: 'bar', tooltip: true }, encoding: { color: colourBySeries(series) } },
      { mark: { type: 'text', dy: -7, color: INK }, encoding: { text: { field: 'text', type: 'nominal' } } },
    ],
  };
  const parts = groups.map((group) => {
    const own = values.filter((bar) => bar.group === group);
    return `${group}: ${own.map((bar) => (series.length > 1 ? `${bar.series} ${bar.text}` : bar.text)).join(', ')}`;
  });
  return new Figure(view, `Bar chart of ${yTitle}${title ? ` (${title})` : ''}. ${parts.join('; ')}.`);
}
