import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import { Figure } from '../figure';
import { INK } from '../theme';
import { readable, rounded } from './series';

/** One bar. */
export interface ParameterBar {
  readonly label: string;
  readonly parameters: number;
}

/** Settings of `parameterBars`. */
export interface ParameterBarsOptions {
  readonly title?: string;
  /** @defaultValue `trainable parameters` */
  readonly unit?: string;
  /** The count that equals 100 %. @defaultValue the largest bar */
  readonly total?: number;
  /** @defaultValue `linear`; `log` when the bars differ by orders of magnitude */
  readonly scale?: 'linear' | 'log';
}

/** Horizontal bars of counts, each labelled with its count and its share of the total. */
export function parameterBars(bars: readonly ParameterBar[], options: ParameterBarsOptions = {}): Figure {
  checkKnown('parameterBars', options, ['title', 'unit', 'total', 'scale']);
  if (bars.length === 0) throw new ArgumentError('parameterBars has no bars; pass at least one');
  const counts = bars.map((bar) => bar.parameters);
  const { title, unit = 'trainable parameters', total = Math.max(...counts), scale = 'linear' } = options;
  const isLog = scale === 'log';
  if (isLog && Math.min(...counts) <= 0) throw new ArgumentError('a logarithmic scale cannot show 0; use scale: linear');
  const text = (count: number) => `${readable(count)} (${((100 * count) / total).toFixed(2)} %)`;
  const values = bars.map(({ label, parameters }) => ({ label, parameters: rounded(parameters), text: text(parameters) }));
  const floor = isLog ? 10 ** Math.floor(Math.log10(Math.min(...counts)) - 0.5) : 0;
  const x = {
    field: 'parameters',
    type: 'quantitative',
    title: unit,
    stack: null,
    scale: isLog ? { type: 'log', domainMin: floor, nice: false } : { zero: true },
    axis: { format: '~s', tickCount: 5 },
  };
  const view = {
    ...(title ? { title } : {}),
    width: 420,
    height: { step: 34 },
    data: { values },
    encoding: {
      y: { field: 'label', type: 'nominal', sort: null, title: null, axis: { ticks: false, domain: false, labelPadding: 8 } },
      x,
    },
    layer: [
      { mark: { type: 'bar', tooltip: true, height: { band: 0.62 }, ...(isLog ? {} : { x2: 0 }) } },
      { mark: { type: 'text', align: 'left', dx: 6, color: INK }, encoding: { text: { field: 'text', type: 'nominal' } } },
    ],
  };
  return new Figure(
    view,
    `Bar chart of ${unit}${title ? ` (${title})` : ''}: ${values.map((bar) => `${bar.label} ${bar.text}`).join('; ')}.`,
  );
}
