import { ArgumentError } from 'lowrank/errors';
import { checkKnown, checkOneOf } from 'lowrank/internal';
import { Figure } from '../figure';
import { INK } from '../theme';
import { nominal, quantity } from './fields';
import { NumericAxis, rangeOf } from './numericAxis';
import { placedText, placeLabels } from './placeLabels';
import { checkIntervals, colourBySeries, distinct, readable, rounded, shapeBySeries } from './series';

/** One bubble. */
export interface TradeoffBubble {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** For example `measured here` or `paper`. @defaultValue the label, if it mentions a method; else one series for all */
  readonly series?: string;
  /** Lower end of the interval of y. */
  readonly low?: number;
  /** Upper end of the interval of y. */
  readonly high?: number;
}

/** Settings of `tradeoffBubbles`; put units into the titles. */
export interface TradeoffBubblesOptions {
  readonly xTitle: string;
  readonly yTitle: string;
  readonly sizeTitle: string;
  readonly title?: string;
  readonly xScale?: 'linear' | 'log';
}

const WIDTH = 440;
const HEIGHT = 300;
/** Area of the largest bubble, in square pixels of its frame. */
const LARGEST = 1600;

/** Two round sizes for the legend: the largest that a bubble reaches, and a quarter or a fifth of it. */
function legendSizes(largest: number): number[] {
  const power = 10 ** Math.floor(Math.log10(largest));
  const top = power * ([5, 2, 1].find((each) => each * power <= largest) ?? 1);
  return [top / (top / power === 5 ? 5 : 4), top].map((size) => Number(size.toPrecision(6)));
}

/** One quantity against another, with a third as the area of the bubbles. Series differ in colour and shape. */
export function tradeoffBubbles(bubbles: readonly TradeoffBubble[], options: TradeoffBubblesOptions): Figure {
  checkKnown('tradeoffBubbles', options, ['xTitle', 'yTitle', 'sizeTitle', 'title', 'xScale']);
  if (bubbles.length === 0) throw new ArgumentError('tradeoffBubbles has no bubbles; pass at least one');
  const { xTitle, yTitle, sizeTitle, title, xScale = 'linear' } = options;
  checkOneOf('xScale', xScale, ['linear', 'log']);
  checkIntervals(bubbles, ({ label }) => label);
  const isSeries = bubbles.some(({ series }) => series !== undefined);
  const nameOf = ({ label, series }: TradeoffBubble) => (isSeries ? (series ?? '') : label);
  const names = distinct(bubbles.map(nameOf));
  const values = bubbles.map((bubble) => ({
    label: bubble.label,
    series: nameOf(bubble),
    x: rounded(bubble.x),
    y: rounded(bubble.y),
    size: rounded(bubble.size),
    ...(bubble.low !== undefined && bubble.high !== undefined ? { low: rounded(bubble.low), high: rounded(bubble.high) } : {}),
  }));
  const hasInterval = values.some(({ low }) => low !== undefined);
  const xs = new NumericAxis(
    bubbles.map(({ x }) => x),
    { length: WIDTH, kind: xScale, padding: 0.14 },
  );
  const ys = new NumericAxis(
    bubbles.flatMap(({ y, low = y, high = y }) => [y, low, high]),
    { length: HEIGHT, padding: 0.14 },
  );
  const largest = rangeOf(bubbles.map(({ size }) => size).filter(Number.isFinite))[1] || 1;
  const radius = (size: number) => Math.sqrt((LARGEST * Math.max(0, size)) / largest) / 2;
  const labels = placeLabels(
    bubbles.map(({ label, x, y, size, low = y, high = y }) => ({
      text: label,
      x: xs.pixel(x),
      y: HEIGHT - ys.pixel(y),
      radius: radius(size),
      interval: [HEIGHT - ys.pixel(high), HEIGHT - ys.pixel(low)],
    })),
    WIDTH,
    HEIGHT,
  );
  const number = (field: string, name: string) => quantity(field, name, '.4~g');
  const x = xs.encoding('x', xTitle, { grid: false });
  const y = ys.encoding('y', yTitle, { minExtent: 40 });
  const color = isSeries ? colourBySeries(names) : { ...colourBySeries(names), legend: null };
  const shape = isSeries ? shapeBySeries(names) : { value: 'circle' };
  const tooltip = [
    nominal('label', 'name'),
    ...(isSeries ? [nominal('series', 'series')] : []),
    number('x', xTitle),
    number('y', yTitle),
    ...(hasInterval ? [number('low', 'low'), number('high', 'high')] : []),
    number('size', sizeTitle),
  ];
  const size = {
    field: 'size',
    type: 'quantitative',
    title: sizeTitle,
    scale: { domain: [0, largest], range: [0, LARGEST] }, // an area in proportion to the size
    legend: { orient: 'right', values: legendSizes(largest), symbolType: 'circle', symbolFillColor: 'transparent', symbolStrokeColor: INK },
  };
  const view = {
    ...(title ? { title } : {}),
    width: WIDTH,
    height: HEIGHT,
    layer: [
      ...(hasInterval
        ? [
            {
              data: { values: values.filter(({ low }) => low !== undefined) },
              mark: { type: 'rule', strokeWidth: 1.5 },
              encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color, tooltip },
            },
          ]
        : []),
      {
        data: { values },
        mark: { type: 'point', filled: true, opacity: 1, fillOpacity: 0.7, strokeWidth: 1.5 },
        encoding: { x, y, color, shape, size, tooltip },
      },
      // Marks the centre of a bubble that is too small to see.
      { data: { values }, mark: { type: 'point', filled: true, opacity: 1, size: 12 }, encoding: { x, y, color, tooltip } },
      ...labels.map(placedText),
    ],
  };
  const parts = bubbles.map((bubble) => {
    const name = bubble.series === undefined ? bubble.label : `${bubble.label} (${bubble.series})`;
    const { low, high } = bubble;
    const interval = low === undefined || high === undefined ? '' : ` (${readable(low)} to ${readable(high)})`;
    return `${name}: ${readable(bubble.x)}, ${readable(bubble.y)}${interval}, ${readable(bubble.size)}`;
  });
  return new Figure(view, `Bubble chart of ${yTitle} against ${xTitle}, area ${sizeTitle}. As x, y, area: ${parts.join('; ')}.`);
}
