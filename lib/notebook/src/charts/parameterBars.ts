import { ArgumentError } from 'lowrank/errors';
import { checkKnown, checkOneOf } from 'lowrank/internal';
import { Figure } from '../figure';
import { methodOf } from '../methodStyles';
import { INK } from '../theme';
import { nominal } from './fields';
import { COUNT_LABELS, NumericAxis, rangeOf } from './numericAxis';
import { readable, rounded, stylesOf } from './series';

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
  /** @defaultValue `descending`, the largest first */
  readonly sort?: 'given' | 'descending';
}

const WIDTH = 420;

/** Horizontal bars of counts, each labelled with its count and its share of the total. A method's bar has the method's colour. */
export function parameterBars(bars: readonly ParameterBar[], options: ParameterBarsOptions = {}): Figure {
  checkKnown('parameterBars', options, ['title', 'unit', 'total', 'scale', 'sort']);
  if (bars.length === 0) throw new ArgumentError('parameterBars has no bars; pass at least one');
  const counts = bars.map((bar) => bar.parameters);
  const [least, greatest] = rangeOf(counts);
  const { title, unit = 'trainable parameters', total = greatest, scale = 'linear', sort = 'descending' } = options;
  checkOneOf('scale', scale, ['linear', 'log']);
  checkOneOf('sort', sort, ['given', 'descending']);
  const isLog = scale === 'log';
  if (isLog && least <= 0) throw new ArgumentError('a logarithmic scale cannot show 0; use scale: linear');
  const share = (count: number) => `${((100 * count) / total).toFixed(2)} %`;
  const sorted = sort === 'given' ? bars : [...bars].sort((a, b) => b.parameters - a.parameters);
  const values = sorted.map(({ label, parameters }) => ({
    label,
    parameters: rounded(parameters),
    text: `${readable(parameters)} (${share(parameters)})`,
    count: readable(parameters),
    share: share(parameters),
  }));
  const axis = new NumericAxis(isLog ? [...counts, least / 3] : counts, {
    length: WIDTH,
    kind: scale,
    zero: !isLog,
    padding: 0,
    count: 5,
  });
  const x = { field: 'parameters', type: 'quantitative', title: unit, stack: null, scale: axis.scale };
  const labels = sorted.map(({ label }) => label);
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice !== undefined) throw new ArgumentError(`the label '${twice}' is twice; give each bar its own`);
  const range = labels.some((label) => methodOf(label) !== undefined) ? stylesOf(labels).map(({ colour }) => colour) : undefined;
  const color = range ? { color: { field: 'label', type: 'nominal', scale: { domain: labels, range }, legend: null } } : {};
  const tooltip = [nominal('label', 'name'), nominal('count', unit), nominal('share', 'share')];
  const view = {
    ...(title ? { title } : {}),
    width: WIDTH,
    height: { step: 34 },
    data: { values },
    encoding: {
      y: {
        field: 'label',
        type: 'nominal',
        sort: null,
        title: null,
        axis: { ticks: false, domain: false, labelPadding: 8, labelLimit: 260 },
      },
      x: { ...x, axis: { values: axis.ticks, labelExpr: COUNT_LABELS } },
    },
    layer: [
      { mark: { type: 'bar', height: { band: 0.62 }, ...(isLog ? {} : { x2: 0 }) }, encoding: { ...color, tooltip } },
      { mark: { type: 'text', align: 'left', dx: 6, color: INK }, encoding: { text: nominal('text') } },
    ],
  };
  return new Figure(
    view,
    `Bar chart of ${unit}${title ? ` (${title})` : ''}: ${values.map((bar) => `${bar.label} ${bar.text}`).join('; ')}.`,
  );
}
