import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import type { Figure } from 'lowrank-notebook';
import { GRID, INK, METHOD_STYLES, nominal, quantity, STRONG, tokenLabel } from 'lowrank-notebook/internal';
import { movingFigure, slider } from './moving';

/** Real attention of a model. */
export interface AttentionExplorerOptions {
  /** By layer and head, one map (T, P + T) of weights with causal mask. */
  readonly maps: readonly (readonly (readonly (readonly number[])[])[])[];
  readonly tokens: readonly string[];
  /** Number of leading columns that belong to the prefix; layers without prefix may have T columns. @defaultValue 0 */
  readonly prefixLength?: number;
  /** Number of the first layer. @defaultValue 0 */
  readonly firstLayer?: number;
  /** The initial layer. @defaultValue the first */
  readonly layer?: number;
  /** The initial head. @defaultValue 0 */
  readonly head?: number;
  /** @defaultValue `Where each token looks` */
  readonly title?: string;
}

const CELL = 20;

/** The weights that the mask leaves, row after row, in thousandths; P zeros first where a layer has no prefix. */
function thousandths(map: readonly (readonly number[])[], P: number, place: string): number[] {
  const T = map.length;
  return map.flatMap((row, t) => {
    const missing = P + T - row.length;
    if (missing !== 0 && missing !== P)
      throw new ArgumentError(`${place} has rows of ${row.length} weights; ${T} tokens and a prefix of ${P} need ${P + T}`);
    const whole = [...Array.from({ length: missing }, () => 0), ...row];
    const later = whole.slice(P + t + 1).find((weight) => weight > 1e-6);
    if (later !== undefined) throw new ArgumentError(`${place} attends to a later token (${later}); its mask is not causal`);
    return whole.slice(0, P + t + 1).map((weight) => Math.round(1000 * weight));
  });
}

/** Attention maps of all layers and heads, with a slider for each. Colour is the square root of the weight; the legend shows it. */
export function attentionExplorer(options: AttentionExplorerOptions): Figure {
  checkKnown('attentionExplorer', options, ['maps', 'tokens', 'prefixLength', 'firstLayer', 'layer', 'head', 'title']);
  const { maps, tokens, prefixLength: P = 0, firstLayer = 0, layer = firstLayer, head = 0, title = 'Where each token looks' } = options;
  const [L, H, T] = [maps.length, maps[0]?.length ?? 0, maps[0]?.[0]?.length ?? 0];
  if (T === 0 || tokens.length !== T)
    throw new ArgumentError(`the maps are of ${T} tokens and tokens has ${tokens.length}; pass as many, and at least one`);
  if (layer < firstLayer || layer >= firstLayer + L)
    throw new ArgumentError(`layer ${layer} is not in ${firstLayer}…${firstLayer + L - 1}`);
  if (head < 0 || head >= H) throw new ArgumentError(`head ${head} is not in 0…${H - 1}`);
  const weights = maps.flatMap((heads, l) => heads.map((map, h) => thousandths(map, P, `layer ${firstLayer + l}, head ${h}`)));
  const queries = tokens.map(tokenLabel);
  const keys = [...Array.from({ length: P }, (_, p) => `prefix ${p + 1}`), ...queries];
  const cells = queries.flatMap((query, t) => keys.slice(0, P + t + 1).map((key, s) => ({ query, key, isPrefix: s < P })));
  const values = cells.map((cell, at) => ({ ...cell, at }));
  const axis = { ticks: false, domain: false, grid: false, labelLimit: 120, labelOverlap: false };
  const x = {
    field: 'key',
    type: 'ordinal',
    sort: keys,
    scale: { domain: keys },
    title: 'it looks at',
    axis: { ...axis, labelAngle: -60 },
  };
  const y = { field: 'query', type: 'ordinal', sort: queries, scale: { domain: queries }, title: 'token', axis };
  const opacity = {
    field: 'weight',
    type: 'quantitative',
    title: ['attention weight', '(square-root scale)'],
    scale: { type: 'sqrt', domain: [0, 1], range: [0, 1] },
    legend: {
      values: [0.01, 0.05, 0.2, 0.5, 1],
      symbolType: 'square',
      symbolSize: 200,
      symbolStrokeWidth: 0,
      symbolFillColor: STRONG,
      format: '.2~f',
    },
  };
  const tooltip = [nominal('query', 'token'), nominal('key', 'looks at'), quantity('weight', 'weight', '.3f')];
  const part = (isPrefix: boolean, color: string) => ({
    transform: [{ filter: isPrefix ? 'datum.isPrefix' : '!datum.isPrefix' }],
    mark: { type: 'rect', color },
    encoding: { x, y, opacity, tooltip },
  });
  const view = {
    title,
    width: CELL * keys.length,
    height: CELL * T,
    data: { values },
    transform: [{ calculate: `weights[(layer - ${firstLayer}) * ${H} + head][datum.at] / 1000`, as: 'weight' }],
    layer: [
      { mark: { type: 'rect', filled: false, stroke: GRID, strokeWidth: 1 }, encoding: { x, y } },
      part(false, STRONG),
      ...(P > 0 ? [part(true, METHOD_STYLES.prefix.colour)] : []),
      ...(P > 0
        ? [
            {
              data: { values: [{}] },
              mark: { type: 'rule', strokeDash: [5, 3], strokeWidth: 2, color: INK },
              encoding: { x: { value: CELL * P }, y: { value: 0 }, y2: { value: CELL * T } },
            },
          ]
        : []),
    ],
  };
  const first = weights[(layer - firstLayer) * H + head] ?? [];
  const onFirst = values.filter(({ key }) => key === queries[0]).reduce((sum, { at }) => sum + (first[at] ?? 0), 0) / (1000 * T);
  const onPrefix = values.filter(({ isPrefix }) => isPrefix).reduce((sum, { at }) => sum + (first[at] ?? 0), 0) / (1000 * T);
  return movingFigure(
    [
      slider('layer', 'layer', [firstLayer, firstLayer + L - 1, 1], layer),
      slider('head', 'head', [0, H - 1, 1], head),
      { name: 'weights', value: weights },
    ],
    view,
    `${title}: attention of ${T} tokens in ${L} layers with ${H} heads, with sliders. In layer ${layer}, head ${head}, a token gives ` +
      `${onFirst.toFixed(2)} to the first token on average${P > 0 ? `, and the ${P} prefix keys get ${onPrefix.toFixed(2)}` : ''}.`,
  );
}
