/** Bars of parts, for what adds up to a whole. */
import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import { Figure } from '../figure';
import { textWidth } from '../textWidth';
import { INK, SERIES_COLOURS } from '../theme';
import { nominal, quantity } from './fields';
import { NumericAxis } from './numericAxis';
import { distinct, readable, rounded } from './series';

/** One part of a bar. */
export interface StackedPart {
  /** The bar. */
  readonly group: string;
  /** Name of the part, which has the same colour in every bar. */
  readonly part: string;
  readonly value: number;
}

/** Settings of `stackedBars`. */
export interface StackedBarsOptions {
  /** The quantity and its unit. */
  readonly xTitle: string;
  readonly title?: string;
  /** Formats the total beside each bar, and the numbers under the pointer. @defaultValue four significant digits */
  readonly format?: (value: number) => string;
  /** Dashed lines for comparison, for example the memory of a card. */
  readonly references?: readonly { readonly label: string; readonly value: number }[];
}

const WIDTH = 440;

/** Horizontal bars made of parts, each with its total at the right. */
export function stackedBars(parts: readonly StackedPart[], options: StackedBarsOptions): Figure {
  checkKnown('stackedBars', options, ['xTitle', 'title', 'format', 'references']);
  if (parts.length === 0) throw new ArgumentError('stackedBars has no parts; pass at least one');
  const negative = parts.find(({ value }) => value < 0);
  if (negative) throw new ArgumentError(`${negative.part} of ${negative.group} is ${negative.value}; parts of a bar cannot be negative`);
  const { xTitle, title, format = readable, references = [] } = options;
  const groups = distinct(parts.map(({ group }) => group));
  const names = distinct(parts.map(({ part }) => part));
  const rows = parts.map(({ group, part, value }) => ({
    group,
    part,
    value: rounded(value),
    text: format(value),
    order: names.indexOf(part),
  }));
  const totals = groups.map((group) => {
    const total = parts.filter((each) => each.group === group).reduce((sum, { value }) => sum + value, 0);
    return { group, total: rounded(total), text: format(total) };
  });
  const axis = new NumericAxis([...totals.map(({ total }) => total ?? 0), ...references.map(({ value }) => value)], {
    length: WIDTH,
    zero: true,
    padding: 0.03,
  });
  const y = { field: 'group', type: 'nominal', sort: groups, title: null, axis: { ticks: false, domain: false, labelPadding: 8 } };
  const x = axis.encoding('value', xTitle);
  const color = {
    field: 'part',
    type: 'nominal',
    title: null,
    scale: { domain: names, range: names.map((_, index) => SERIES_COLOURS[index % SERIES_COLOURS.length]) },
    legend: { orient: 'bottom', columns: 4 },
  };
  const tooltip = [nominal('group', 'bar'), nominal('part', 'part'), nominal('text', xTitle)];
  const view = {
    ...(title ? { title: references.length > 0 ? { text: title, offset: 12 + 15 * levels(references, axis).length } : title } : {}),
    width: WIDTH,
    height: { step: 34 },
    layer: [
      {
        data: { values: rows },
        mark: { type: 'bar', height: { band: 0.62 } },
        encoding: { y, x: { ...x, stack: 'zero' }, order: quantity('order'), color, tooltip },
      },
      {
        data: { values: totals },
        mark: { type: 'text', align: 'left', dx: 8, color: INK },
        encoding: { y, x: { value: 'width' }, text: nominal('text') },
      },
      ...levels(references, axis).flatMap((level, index) => level.flatMap((each) => line(each, axis, index))),
    ],
  };
  const sums = totals.map(({ group, text }) => {
    const own = rows.filter((row) => row.group === group).map((row) => `${row.part} ${row.text}`);
    return `${group} ${text} (${own.join(', ')})`;
  });
  const compared = references.map(({ label, value }) => `; ${label} ${format(value)}`).join('');
  return new Figure(view, `Stacked bars of ${xTitle}${title ? ` (${title})` : ''}: ${sums.join('; ')}${compared}.`);
}

type Reference = NonNullable<StackedBarsOptions['references']>[number];

/** The references, on as many lines as their names need. */
function levels(references: readonly Reference[], axis: NumericAxis): Reference[][] {
  const result: Reference[][] = [];
  const half = ({ label }: Reference) => textWidth(label, 11) / 2 + 4;
  for (const each of [...references].sort((a, b) => a.value - b.value)) {
    const free = result.find((level) => {
      const last = level.at(-1);
      return last && axis.pixel(each.value) - half(each) > axis.pixel(last.value) + half(last);
    });
    if (free) free.push(each);
    else result.push([each]);
  }
  return result;
}

function line({ label, value }: Reference, axis: NumericAxis, level: number): object[] {
  const data = { values: [{ label }] };
  const x = { value: Math.round(axis.pixel(value)) };
  return [
    {
      data,
      mark: { type: 'rule', strokeDash: [4, 4], color: INK },
      encoding: { x, y: { value: -15 * level }, y2: { value: 'height' } },
    },
    {
      data,
      mark: { type: 'text', align: 'center', baseline: 'bottom', color: INK },
      encoding: { x, y: { value: -4 - 15 * level }, text: nominal('label') },
    },
  ];
}
