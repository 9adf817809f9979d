import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import type { Figure } from 'lowrank-notebook';
import { DIVERGING, INK, METHOD_STYLES, ordinal, quantity } from 'lowrank-notebook/internal';
import { movingFigure, short, slider, wordsLine } from './moving';
import { decompose, decomposeProduct, type Rows } from './singularValues';

/** A trained update as LoRA keeps it: `ΔW = scaling·A·B`. */
export interface LoraFactors {
  readonly loraA: Rows;
  readonly loraB: Rows;
  /** @defaultValue 1 */
  readonly scaling?: number;
}

/** A trained update and the model around it. */
export interface RankExplorerOptions {
  /** The trained update ΔW (I, O), with at most 256 rows or columns; or its factors A (I, r) and B (r, O) of any size. */
  readonly update: Rows | LoraFactors;
  /** How many matrices of this shape have an adapter. @defaultValue 1 */
  readonly matrices?: number;
  /** Parameters of the whole model, for the share. @defaultValue the entries of the adapted matrices, and the figure says so */
  readonly total?: number;
  /** @defaultValue 16, or the rank of the update if it is lower */
  readonly maxRank?: number;
  /** The initial rank. @defaultValue 2 */
  readonly rank?: number;
  /** Rows and columns of the block that is drawn, from the upper left corner. @defaultValue 24 */
  readonly block?: number;
  /** @defaultValue `The best approximation of ΔW at each rank` */
  readonly title?: string;
}

const CELL = 8;

function isFactors(update: RankExplorerOptions['update']): update is LoraFactors {
  return 'loraA' in update;
}

/**
 * The cost of an adapter by its rank r, which a slider sets, and the best rank-r approximation of a trained ΔW (Eckart and Young 1936), with
 * its error `√(Σ_{i>r} sᵢ² / Σ sᵢ²)`.
 */
export function rankExplorer(options: RankExplorerOptions): Figure {
  checkKnown('rankExplorer', options, ['update', 'matrices', 'total', 'maxRank', 'rank', 'block', 'title']);
  const { update, matrices = 1, rank: start = 2, block = 24, title = 'The best approximation of ΔW at each rank' } = options;
  const scaling = isFactors(update) ? (update.scaling ?? 1) : 1;
  const { left, values, right } = isFactors(update) ? decomposeProduct(update.loraA, update.loraB) : decompose(update);
  const [rows, columns] = [left[0]?.length ?? 0, right[0]?.length ?? 0];
  const { total = matrices * rows * columns } = options;
  const whole = options.total === undefined ? 'all their entries' : 'the model';
  const maxRank = Math.min(options.maxRank ?? 16, values.length);
  if (!Number.isInteger(start) || start < 1 || start > maxRank) throw new ArgumentError(`rank ${start} is not in 1…${maxRank}`);
  const energy = values.reduce((sum, value) => sum + value ** 2, 0);
  const errorAt = (r: number) => Math.sqrt(values.slice(r).reduce((sum, value) => sum + value ** 2, 0) / (energy || 1));
  const [height, width] = [Math.min(block, rows), Math.min(block, columns)];
  const partial = (i: number, j: number) => {
    let sum = 0;
    return values.map((value, k) => (sum += scaling * value * (left[k]?.[i] ?? 0) * (right[k]?.[j] ?? 0)));
  };
  const cells = Array.from({ length: height }, (_, i) =>
    Array.from({ length: width }, (__, j) => {
      const sums = partial(i, j);
      return { i, j, whole: short(sums.at(-1) ?? 0, 3), v: sums.slice(0, maxRank).map((value) => short(value, 3)) };
    }),
  ).flat();
  const limit = Math.max(...cells.map(({ whole }) => Math.abs(whole ?? 0))) || 1;
  const ranks = Array.from({ length: maxRank }, (_, index) => index + 1);
  const curve = ranks.map((r) => ({ r, error: short(100 * errorAt(r)), value: short(scaling * (values[r - 1] ?? 0)) }));
  const perRank = matrices * (rows + columns);

  const map = (name: string, value: string) => ({
    title: { text: name, anchor: 'middle' },
    width: CELL * width,
    height: CELL * height,
    data: { values: cells },
    transform: [{ calculate: value, as: 'value' }],
    mark: { type: 'rect' },
    encoding: {
      x: { field: 'j', type: 'ordinal', title: 'output', axis: null },
      y: { field: 'i', type: 'ordinal', title: 'input', axis: null },
      color: {
        field: 'value',
        type: 'quantitative',
        title: 'ΔW',
        scale: { range: DIVERGING, domain: [-limit, 0, limit], clamp: true },
        legend: { gradientLength: 120, values: [-limit, 0, limit], format: '.2~r' },
      },
      tooltip: [ordinal('i', 'input'), ordinal('j', 'output'), quantity('value', 'ΔW', '.3~g')],
    },
  });
  const x = {
    field: 'r',
    type: 'quantitative',
    title: 'rank r',
    scale: { domain: [0.5, maxRank + 0.5], nice: false },
    axis: { grid: false, tickMinStep: 1 },
  };
  const y = { field: 'error', type: 'quantitative', title: 'error of the approximation (%)', scale: { domainMin: 0 } };
  const tooltip = [quantity('r', 'rank'), quantity('error', 'error (%)', '.3~g'), quantity('value', 'singular value', '.3~g')];
  const error = {
    width: 220,
    height: CELL * height,
    data: { values: curve },
    layer: [
      { mark: { type: 'line', color: INK, strokeWidth: 1.5 }, encoding: { x, y } },
      { mark: { type: 'point', filled: true, opacity: 1, color: INK, size: 30 }, encoding: { x, y, tooltip } },
      {
        transform: [{ filter: 'datum.r === rank' }],
        mark: { type: 'point', filled: true, opacity: 1, color: METHOD_STYLES.LoRA.colour, size: 160 },
        encoding: { x, y, tooltip },
      },
    ],
  };
  const words = [
    "'rank ' + rank + ': ' + format(rank * perRank, ',') + ' parameters, ' + format(rank * perRank * 2 / 1e6, '.3~r') + ' MB at 16 bits, '",
    `format(100 * rank * perRank / total, '.3~r') + ' % of ${whole}; error ' + format(datum.error, '.3~r') + ' %'`,
  ].join(' + ');
  const params = [slider('rank', 'rank r', [1, maxRank, 1], start), { name: 'perRank', value: perRank }, { name: 'total', value: total }];
  const view = {
    title,
    vconcat: [
      wordsLine(curve, words, [{ filter: 'datum.r === rank' }]),
      { hconcat: [error, map('ΔW, trained', 'datum.whole'), map('its best rank-r copy', 'datum.v[rank - 1]')], spacing: 24 },
    ],
  };
  const told = ranks.filter((r) => r === start || r === maxRank).map((r) => `${(100 * errorAt(r)).toPrecision(3)} % at rank ${r}`);
  return movingFigure(
    params,
    view,
    `${title}: with a slider for the rank. A ΔW of ${rows} × ${columns} is copied with an error of ${told.join(' and ')}; ` +
      `rank ${start} in ${matrices} ${matrices === 1 ? 'matrix' : 'matrices'} has ${(start * perRank).toLocaleString('en-US')} parameters.`,
  );
}
