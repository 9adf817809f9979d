import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import type { Figure } from 'lowrank-notebook';
import { INK, METHOD_STYLES, nominal, quantity } from 'lowrank-notebook/internal';
import { coloursOf, derived, movingFigure, short, slider, wordsLine } from './moving';

/** One row of attention and what the gate does to it. */
export interface GateExplorerOptions {
  /** The tokens that the query sees, with their softmax. */
  readonly tokens: readonly { readonly label: string; readonly weight: number }[];
  /** The softmax over the prefix, before the gate multiplies it. */
  readonly prefix: readonly number[];
  /** Distance of the layer's output from the base at each gate of a sweep, for one form or several. */
  readonly distances: readonly {
    readonly label: string;
    readonly points: readonly { readonly gate: number; readonly distance: number }[];
  }[];
  /** The initial gate. @defaultValue the middle between 0 and the end of the sweep */
  readonly gate?: number;
  /** @defaultValue `The gate lets the prefix in` */
  readonly title?: string;
}

/**
 * A slider for the gate g: one row of attention, whose prefix weights are g times their softmax, and the distance of the layer's output
 * from the base. All sweeps must share evenly spaced gates.
 */
export function gateExplorer(options: GateExplorerOptions): Figure {
  checkKnown('gateExplorer', options, ['tokens', 'prefix', 'distances', 'gate', 'title']);
  const { tokens, prefix, distances, title = 'The gate lets the prefix in' } = options;
  const gates = (distances[0]?.points ?? []).map(({ gate }) => gate).sort((a, b) => a - b);
  const [low = 0, second = 0] = gates;
  const high = gates.at(-1) ?? 0;
  const step = Number((second - low).toPrecision(6));
  if (!(step > 0)) throw new ArgumentError('distances needs a sweep of at least two gates, in even steps');
  for (const { label, points } of distances) {
    const own = points.map(({ gate }) => gate).sort((a, b) => a - b);
    const odd = own.find((gate, index) => Math.abs(gate - (low + index * step)) > step / 100);
    if (odd !== undefined || own.length !== gates.length) {
      throw new ArgumentError(`the sweep of '${label}' leaves the even steps of ${step} from ${low} to ${high} at ${odd ?? own.at(-1)}`);
    }
  }
  const nearest = (wanted: number) => gates.reduce((best, gate) => (Math.abs(gate - wanted) < Math.abs(best - wanted) ? gate : best), low);
  const start = nearest(options.gate ?? high / 2);
  const keys = [
    ...prefix.map((weight, index) => ({ key: `prefix ${index + 1}`, weight: short(weight), isPrefix: true })),
    ...tokens.map(({ label, weight }, index) => ({ key: `${index} ${label}`, weight: short(weight), isPrefix: false })),
  ];
  const most = Math.max(...tokens.map(({ weight }) => weight), ...prefix.map((weight) => weight * Math.max(high, -low)));
  const least = Math.min(0, ...prefix.map((weight) => weight * low));
  const order = keys.map(({ key }) => key);
  const attention = {
    width: { step: Math.round(Math.min(20, Math.max(12, 560 / keys.length))) },
    height: 200,
    data: { values: keys },
    transform: [
      { calculate: 'datum.isPrefix ? gate * datum.weight : datum.weight', as: 'seen' },
      { calculate: "datum.isPrefix ? 'prefix, g · softmax' : 'tokens, softmax'", as: 'part' },
    ],
    mark: { type: 'bar' },
    encoding: {
      x: {
        field: 'key',
        type: 'nominal',
        sort: order,
        title: null,
        axis: { labelAngle: -55, ticks: false, labelLimit: 110, labelOverlap: false },
      },
      y: {
        field: 'seen',
        type: 'quantitative',
        title: 'attention of one query',
        scale: { domain: [short(1.05 * least), short(1.05 * most)], nice: false },
      },
      color: {
        field: 'part',
        type: 'nominal',
        title: null,
        scale: { domain: ['prefix, g · softmax', 'tokens, softmax'], range: [METHOD_STYLES.prefix.colour, METHOD_STYLES.base.colour] },
        legend: { orient: 'top' },
      },
      tooltip: [nominal('key', 'key'), quantity('seen', 'weight', '.3~g')],
    },
  };
  const names = distances.map(({ label }) => label);
  const curves = distances.flatMap(({ label, points }) =>
    points.map(({ gate, distance }) => ({ form: label, g: short(gate, 6), distance: short(distance) })),
  );
  const color = {
    field: 'form',
    type: 'nominal',
    title: null,
    scale: { domain: names, range: coloursOf(names) },
    legend: names.length > 1 ? { orient: 'top', columns: 1 } : null,
  };
  const x = { field: 'g', type: 'quantitative', title: 'gate g', axis: { grid: false } };
  const y = quantity('distance', '‖output − base‖ / ‖base‖');
  const tooltip = [nominal('form', 'form'), quantity('g', 'gate'), quantity('distance', 'distance', '.3~g')];
  const isHere = `abs(datum.g - gate) < ${step / 2}`;
  const distance = {
    width: 230,
    height: 200,
    data: { values: curves },
    layer: [
      { mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y, color } },
      { mark: { type: 'point', opacity: 0, size: 60 }, encoding: { x, y, color, tooltip } },
      { transform: [{ filter: isHere }], mark: { type: 'rule', strokeDash: [4, 4], color: INK }, encoding: { x } },
      { transform: [{ filter: isHere }], mark: { type: 'point', filled: true, opacity: 1, size: 130 }, encoding: { x, y, color, tooltip } },
    ],
  };
  const sorted = distances.map(({ points }) => [...points].sort((a, b) => a.gate - b.gate).map(({ distance: far }) => short(far)));
  const parts = distances.map((_, k) => `datum.names[${k}] + ' ' + format(datum.far[${k}][at], '.3~r')`);
  const words = `'gate ' + format(gate, '.3~r') + ', distance from the base: ' + ${parts.join(" + '; ' + ")}`;
  const told = distances.map(({ label, points }) => {
    const at = (wanted: number) => points.find(({ gate }) => Math.abs(gate - wanted) < step / 2)?.distance ?? Number.NaN;
    return `${label} ${at(0).toPrecision(3)} at gate 0 and ${at(start).toPrecision(3)} at ${short(start)}`;
  });
  return movingFigure(
    [slider('gate', 'gate g', [low, high, step], start), derived('at', `round((gate - ${low}) / ${step})`)],
    {
      title,
      vconcat: [
        wordsLine([{ names, far: sorted }], words),
        {
          hconcat: [attention, distance],
          spacing: 32,
          resolve: { scale: { color: 'independent' }, legend: { color: 'independent' } },
        },
      ],
    },
    `${title}, with a slider for the gate. Distance from the base: ${told.join('; ')}.`,
  );
}
