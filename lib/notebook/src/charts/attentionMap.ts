import { ArgumentError } from 'lowrank/errors';
import { checkKnown, checkOneOf } from 'lowrank/internal';
import { Figure } from '../figure';
import { METHOD_STYLES } from '../methodStyles';
import { GRID, INK, SEQUENTIAL } from '../theme';
import { nominal, quantity } from './fields';
import { checkMatrices } from './heatmaps';
import { readable, rounded } from './series';

/** Attention weights of one head, with one row per query and one column per key. */
export interface AttentionPanel {
  readonly title: string;
  /** (T, P + T), or (T, T) without a prefix. */
  readonly weights: readonly (readonly number[])[];
  /** Number of leading columns that belong to the prefix. @defaultValue 0 */
  readonly prefixLength?: number;
}

/** Settings of `attentionMap`. */
export interface AttentionMapOptions {
  readonly title?: string;
  /** The text of each token; without it, labels are positions. */
  readonly tokens?: readonly string[];
  /** `sqrt` keeps small weights visible; the legend says so. @defaultValue `sqrt` */
  readonly scale?: 'sqrt' | 'linear';
}

/** Side of a cell in pixels; below the minimum, its label would have no room. */
const CELL = 18;
const SMALLEST = 12;
/** Total width of the maps, without labels, that fits a page. */
const WIDEST = 480;

/** A short label with visible white space; the position makes it unique. */
export function tokenLabel(token: string | undefined, position: number): string {
  if (token === undefined) return String(position);
  const visible = token.replaceAll(' ', '·').replaceAll('\n', '⏎').replaceAll('\t', '⇥');
  return `${position} ${visible.length > 12 ? `${visible.slice(0, 11)}…` : visible}`;
}

/** Whether no query attends to a later key, as in a model that reads from left to right. */
function isCausal(weights: readonly (readonly number[])[], P: number): boolean {
  return weights.every((row, t) => row.every((weight, s) => s <= P + t || weight < 1e-6));
}

function panelView({ title, weights, prefixLength: P = 0 }: AttentionPanel, { tokens, scale = 'sqrt' }: AttentionMapOptions, cell: number) {
  const T = weights.length;
  const S = weights[0]?.length ?? 0;
  if (S !== P + T) throw new ArgumentError(`'${title}' has ${T} queries, a prefix of ${P} and ${S} keys; keys must be prefix + queries`);
  const queries = Array.from({ length: T }, (_, t) => tokenLabel(tokens?.[t], t));
  const keys = [...Array.from({ length: P }, (_, p) => `prefix ${p + 1}`), ...queries];
  const isMasked = isCausal(weights, P);
  const values = weights.flatMap((row, t) =>
    row.flatMap((weight, s) => (isMasked && s > P + t ? [] : [{ query: queries[t], key: keys[s], weight: rounded(weight) }])),
  );
  const axis = { ticks: false, domain: false, grid: false, labelLimit: 110, labelOverlap: false };
  const x = { field: 'key', type: 'ordinal', sort: keys, scale: { domain: keys } };
  const map = {
    data: { values },
    mark: { type: 'rect', stroke: GRID, strokeWidth: 0.5 }, // a masked cell is not drawn; a weight of 0 has a frame
    encoding: {
      x: { ...x, title: 'key position', axis: { ...axis, labelAngle: -60 } },
      y: { field: 'query', type: 'ordinal', sort: queries, scale: { domain: queries }, title: 'query position', axis },
      color: {
        field: 'weight',
        type: 'quantitative',
        title: scale === 'sqrt' ? ['attention weight', '(square-root scale)'] : 'attention weight',
        scale: { type: scale, range: SEQUENTIAL, domain: [0, 1] },
        legend: { gradientLength: 140, values: scale === 'sqrt' ? [0, 0.05, 0.2, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1], format: '.2~f' },
      },
      tooltip: [nominal('query', 'query'), nominal('key', 'key'), quantity('weight', 'weight', '.3~g')],
    },
  };
  const boundary = {
    data: { values: [{ key: keys[P], before: '← prefix', after: 'tokens →' }] },
    encoding: { x: { ...x, bandPosition: 0 } },
    layer: [
      { mark: { type: 'rule', strokeWidth: 2, strokeDash: [5, 3], color: METHOD_STYLES.prefix.colour } },
      {
        mark: { type: 'text', align: 'right', dx: -5, dy: -7, color: INK },
        encoding: { text: nominal('before'), y: { value: 0 } },
      },
      {
        mark: { type: 'text', align: 'left', dx: 5, dy: -7, color: INK },
        encoding: { text: nominal('after'), y: { value: 0 } },
      },
    ],
  };
  return {
    title: { text: title, anchor: 'middle', offset: P > 0 ? 8 : 20 }, // aligned with titles above the labels of the boundary
    width: cell * S,
    height: cell * T,
    layer: P > 0 ? [map, boundary] : [map],
  };
}

/** The mean share of attention on the prefix columns. */
function prefixShare({ weights, prefixLength: P = 0 }: AttentionPanel): number {
  const shares = weights.map((row) => row.slice(0, P).reduce((sum, weight) => sum + weight, 0));
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
}

/** Attention weights as maps on a shared scale from 0 to 1, with a dashed line between prefix and tokens. */
export function attentionMap(panels: readonly AttentionPanel[], options: AttentionMapOptions = {}): Figure {
  checkKnown('attentionMap', options, ['title', 'tokens', 'scale']);
  checkMatrices(panels.map(({ title, weights }) => ({ title, values: weights })));
  const { title } = options;
  checkOneOf('scale', options.scale ?? 'sqrt', ['sqrt', 'linear']);
  const keys = panels.reduce((sum, { weights }) => sum + (weights[0]?.length ?? 0), 0);
  const cell = Math.max(SMALLEST, Math.min(CELL, Math.floor(WIDEST / keys)));
  const views = panels.map((panel) => panelView(panel, options, cell));
  const parts = panels.map((panel) => {
    const size = `${panel.title} (${panel.weights.length} queries × ${panel.weights[0]?.length} keys)`;
    return panel.prefixLength ? `${size}, its ${panel.prefixLength} prefix keys get ${readable(prefixShare(panel))} on average` : size;
  });
  const view = { ...(title ? { title } : {}), hconcat: views, spacing: 24, resolve: { scale: { color: 'shared' } } };
  return new Figure(view, `Attention weights from 0 to 1: ${parts.join('; ')}.`);
}
