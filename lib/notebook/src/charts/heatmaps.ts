import { ArgumentError } from 'lowrank/errors';
import { checkKnown, checkOneOf } from 'lowrank/internal';
import { Figure } from '../figure';
import { DIVERGING, SEQUENTIAL } from '../theme';
import { ordinal, quantity } from './fields';
import { readable, rounded } from './series';

/** One matrix. */
export interface HeatmapPanel {
  readonly title: string;
  readonly values: readonly (readonly number[])[];
  /** Whether this panel has its own colour scale and legend, for values far smaller than in the others. @defaultValue `false` */
  readonly ownScale?: boolean;
  /** Colours of its own scale, for example for a difference beside shares. @defaultValue those of all panels */
  readonly colours?: 'diverging' | 'sequential';
}

/** Settings of `heatmaps`. */
export interface HeatmapsOptions {
  readonly title?: string;
  /** @defaultValue `row` */
  readonly rowTitle?: string;
  /** @defaultValue `column` */
  readonly columnTitle?: string;
  /** Title of the colour scale. @defaultValue `value` */
  readonly valueTitle?: string;
  /** The colour scale ranges from −limit to +limit. @defaultValue the largest absolute value of all panels */
  readonly limit?: number;
  /** `sequential` is for values without sign, such as shares: from 0, which is transparent, to the limit. @defaultValue `diverging` */
  readonly colours?: 'diverging' | 'sequential';
  /** Names of the columns, in place of numbers. */
  readonly columnNames?: readonly string[];
  /** Names of the rows, in place of numbers. */
  readonly rowNames?: readonly string[];
}

/** More rectangles would make a notebook too large to read and commit. */
const MAX_CELLS = 4096;
/** Approximate side of a panel in pixels. Cells have whole-pixel sizes; otherwise seams would show between them. */
const PANEL_SIDE = 200;
/** The same with more than three panels, which must fit the width of a page. */
const SMALL_SIDE = 150;

/** Throws for an empty or ragged matrix, and for matrices with too many cells in total. */
export function checkMatrices(panels: readonly HeatmapPanel[]): void {
  if (panels.length === 0) throw new ArgumentError('heatmaps has no panels; pass at least one');
  for (const { title, values } of panels) {
    const columns = values[0]?.length ?? 0;
    if (columns === 0 || values.some((row) => row.length !== columns)) {
      throw new ArgumentError(`the matrix '${title}' is empty or its rows differ in length`);
    }
  }
  const cells = panels.reduce((sum, { values }) => sum + values.length * (values[0]?.length ?? 0), 0);
  if (cells <= MAX_CELLS) return;
  throw new ArgumentError(`the matrices have ${cells} cells together, more than ${MAX_CELLS}: draw a block of them, or averages of blocks`);
}

/** About ten evenly spaced labels for an axis with `count` positions. */
function tickIndices(count: number): number[] {
  const step = Math.ceil(count / 10);
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step);
}

function wholeCells(count: number, panels: number): number {
  return count * Math.max(2, Math.round((panels > 3 ? SMALL_SIDE : PANEL_SIDE) / count));
}

/** The largest absolute value of a matrix. */
function extremeOf(values: readonly (readonly number[])[]): number {
  return Math.max(0, ...values.flat().filter(Number.isFinite).map(Math.abs));
}

function colourOf(title: string, limit: number, colours: 'diverging' | 'sequential') {
  const isDiverging = colours === 'diverging';
  const ends = isDiverging ? [-limit, -limit / 2, 0, limit / 2, limit] : [0, limit / 2, limit];
  return {
    field: 'value',
    type: 'quantitative',
    title,
    scale: isDiverging
      ? { range: DIVERGING, domain: [-limit, 0, limit], clamp: true }
      : { range: SEQUENTIAL, domain: [0, limit], clamp: true },
    legend: { gradientLength: 140, values: ends, format: '.3~r' }, // the numbers at the ends are the ends of the scale
  };
}

/** Names along one side of a matrix, or numbers. */
function side(field: string, title: string, count: number, names: readonly string[] | undefined) {
  const look = { ticks: false, domain: false, grid: false };
  if (!names) return { field, type: 'ordinal', title, axis: { ...look, values: tickIndices(count), labelAngle: 0 } };
  const angle = field === 'column' ? { labelAngle: -40, labelOverlap: false } : { labelOverlap: false };
  return { field, type: 'ordinal', title, sort: names, scale: { domain: names }, axis: { ...look, ...angle } };
}

function checkNames(option: string, names: readonly string[] | undefined, count: number): void {
  if (!names) return;
  if (count !== names.length) throw new ArgumentError(`${option} has ${names.length} names for ${count}; pass one for each`);
  if (new Set(names).size < names.length) throw new ArgumentError(`${option} has a name twice; each name must be unique`);
}

/** Matrices side by side on one colour scale, for comparison; 0 is transparent. */
export function heatmaps(panels: readonly HeatmapPanel[], options: HeatmapsOptions = {}): Figure {
  checkKnown('heatmaps', options, ['title', 'rowTitle', 'columnTitle', 'valueTitle', 'limit', 'colours', 'columnNames', 'rowNames']);
  checkMatrices(panels);
  const { title, rowTitle = 'row', columnTitle = 'column', valueTitle = 'value', colours = 'diverging', columnNames, rowNames } = options;
  checkOneOf('colours', colours, ['diverging', 'sequential']);
  for (const { title: name, values, colours: own = colours } of panels) {
    checkOneOf(`the colours of ${name}`, own, ['diverging', 'sequential']);
    checkNames('columnNames', columnNames, values[0]?.length ?? 0);
    checkNames('rowNames', rowNames, values.length);
  }
  const extremes = panels.map(({ values }) => extremeOf(values));
  const shared = panels.flatMap(({ ownScale = false }, index) => (ownScale ? [] : (extremes[index] ?? 0)));
  const limit = options.limit ?? (Math.max(0, ...shared) || 1);
  const limitOf = (index: number) => (panels[index]?.ownScale ? extremes[index] || 1 : limit);
  const views = panels.map(({ title: name, values, ownScale = false, colours: own = colours }, index) => ({
    title: { text: name, anchor: 'middle' },
    width: wholeCells(values[0]?.length ?? 1, panels.length),
    height: wholeCells(values.length, panels.length),
    data: {
      values: values.flatMap((row, i) =>
        row.map((value, j) => ({ row: rowNames?.[i] ?? i, column: columnNames?.[j] ?? j, value: rounded(value) })),
      ),
    },
    mark: { type: 'rect' },
    encoding: {
      x: side('column', columnTitle, values[0]?.length ?? 0, columnNames),
      y: side('row', index === 0 ? rowTitle : '', values.length, rowNames),
      color: colourOf(ownScale ? `${valueTitle}, own scale` : valueTitle, limitOf(index), ownScale ? own : colours),
      tooltip: [ordinal('row', rowTitle), ordinal('column', columnTitle), quantity('value', valueTitle, '.4~g')],
    },
  }));
  const isShared = panels.every(({ ownScale = false }) => !ownScale);
  const together = views.filter((_, index) => !panels[index]?.ownScale);
  const alone = views.filter((_, index) => panels[index]?.ownScale);
  const group = { hconcat: together, spacing: 20, resolve: { scale: { color: 'shared' } } };
  const view = {
    ...(title ? { title } : {}),
    ...(isShared
      ? group
      : { hconcat: [...(together.length > 0 ? [group] : []), ...alone], spacing: 20, resolve: { scale: { color: 'independent' } } }),
  };
  const sizes = panels.map(({ title: name, values, ownScale }, index) => {
    const largest = readable(extremes[index] ?? 0);
    return `${name} (${values.length} × ${values[0]?.length}), largest absolute value ${largest}${ownScale ? ', on its own scale' : ''}`;
  });
  const low = colours === 'diverging' ? `−${readable(limit)}` : '0';
  return new Figure(view, `Heat maps on one colour scale from ${low} to ${readable(limit)}: ${sizes.join('; ')}.`);
}
