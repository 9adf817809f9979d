import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import { Figure } from '../figure';
import { DIVERGING } from '../theme';
import { readable, rounded } from './series';

/** One matrix. */
export interface HeatmapPanel {
  readonly title: string;
  readonly values: readonly (readonly number[])[];
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
}

/** More rectangles would make a notebook too large to read and commit. */
const MAX_CELLS = 4096;
/** Approximate side of a panel in pixels. Cells have whole-pixel sizes; otherwise seams would show between them. */
const PANEL_SIDE = 200;

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

function wholeCells(count: number): number {
  return count * Math.max(2, Math.round(PANEL_SIDE / count));
}

/** Matrices side by side on one diverging colour scale with 0 in the middle, for comparison. */
export function heatmaps(panels: readonly HeatmapPanel[], options: HeatmapsOptions = {}): Figure {
  checkKnown('heatmaps', options, ['title', 'rowTitle', 'columnTitle', 'valueTitle', 'limit']);
  checkMatrices(panels);
  const { title, rowTitle = 'row', columnTitle = 'column', valueTitle = 'value' } = options;
  const extremes = panels.map(({ values }) => Math.max(0, ...values.flat().filter(Number.isFinite).map(Math.abs)));
  const limit = options.limit ?? (Math.max(...extremes) || 1);
  const color = {
    field: 'value',
    type: 'quantitative',
    title: valueTitle,
    scale: { range: DIVERGING, domain: [-limit, 0, limit], clamp: true },
    legend: { gradientLength: 140 },
  };
  const axis = (count: number, axisTitle: string) => ({
    title: axisTitle,
    axis: { values: tickIndices(count), labelAngle: 0, ticks: false, domain: false, grid: false },
  });
  const views = panels.map(({ title: name, values }, index) => ({
    title: { text: name, anchor: 'middle' },
    width: wholeCells(values[0]?.length ?? 1),
    height: wholeCells(values.length),
    data: { values: values.flatMap((row, i) => row.map((value, j) => ({ row: i, column: j, value: rounded(value) }))) },
    mark: { type: 'rect', tooltip: true },
    encoding: {
      x: { field: 'column', type: 'ordinal', ...axis(values[0]?.length ?? 0, columnTitle) },
      y: { field: 'row', type: 'ordinal', ...axis(values.length, index === 0 ? rowTitle : '') },
      color,
    },
  }));
  const view = { ...(title ? { title } : {}), hconcat: views, spacing: 24, resolve: { scale: { color: 'shared' } } };
  const sizes = panels.map(({ title: name, values }, index) => {
    const largest = readable(extremes[index] ?? 0);
    return `${name} (${values.length} × ${values[0]?.length}), largest absolute value ${largest}`;
  });
  return new Figure(view, `Heat maps on one colour scale from −${readable(limit)} to ${readable(limit)}: ${sizes.join('; ')}.`);
}
