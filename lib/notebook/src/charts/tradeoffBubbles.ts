import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import { Figure } from '../figure';
import { INK } from '../theme';
import { colourBySeries, distinct, readable, rounded, shapeBySeries } from './series';

/** One bubble. */
export interface TradeoffBubble {
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly size: number;
  /** For example `measured here` or `paper`. @defaultValue one series */
  readonly series?: string;
}

/** Settings of `tradeoffBubbles`; put units into the titles. */
export interface TradeoffBubblesOptions {
  readonly xTitle: string;
  readonly yTitle: string;
  readonly sizeTitle: string;
  readonly title?: string;
  readonly xScale?: 'linear' | 'log';
}

/** One quantity against another, with a third as the area of the bubbles. Series differ in colour and shape. */
export function tradeoffBubbles(bubbles: readonly TradeoffBubble[], options: TradeoffBubblesOptions): Figure {
  checkKnown('tradeoffBubbles', options, ['xTitle', 'yTitle', 'sizeTitle', 'title', 'xScale']);
  if (bubbles.length === 0) throw new ArgumentError('tradeoffBubbles has no bubbles; pass at least one');
  const { xTitle, yTitle, sizeTitle, title, xScale = 'linear' } = options;
  const names = distinct(bubbles.map((bubble) => bubble.series ?? ''));
  const values = bubbles.map(({ label, x, y, size, series = '' }) => ({
    label,
    series,
    x: rounded(x),
    y: rounded(y),
    size: rounded(size),
  }));
  const scale = xScale === 'log' ? { type: 'log', padding: 40 } : { zero: false, padding: 40 };
  const view = {
    ...(title ? { title } : {}),
    width: 440,
    height: 300,
    data: { values },
    encoding: {
      x: { field: 'x', type: 'quantitative', title: xTitle, scale, axis: { tickCount: 6, grid: false } },
      y: { field: 'y', type: 'quantitative', title: yTitle, scale: { zero: false, padding: 40 }, axis: { tickCount: 6, minExtent: 40 } },
    },
    layer: [
      {
        mark: { type: 'point', tooltip: true, filled: true, opacity: 1, fillOpacity: 0.6, strokeWidth: 1.5 },
        encoding: {
          color: colourBySeries(names),
          shape: shapeBySeries(names),
          size: {
            field: 'size',
            type: 'quantitative',
            title: sizeTitle,
            scale: { rangeMin: 60, rangeMax: 1000, zero: true },
            legend: { orient: 'right', tickCount: 3, symbolFillColor: 'transparent', symbolStrokeColor: INK },
          },
        },
      },
      { mark: { type: 'text', dy: -24, color: INK }, encoding: { text: { field: 'label', type: 'nominal' } } },
    ],
  };
  const parts = bubbles.map(({ label, series, x, y, size }) => {
    const name = series === undefined ? label : `${label} (${series})`;
    return `${name}: ${readable(x)}, ${readable(y)}, ${readable(size)}`;
  });
  return new Figure(view, `Bubble chart of ${yTitle} against ${xTitle}, area ${sizeTitle}. As x, y, area: ${parts.join('; ')}.`);
}
