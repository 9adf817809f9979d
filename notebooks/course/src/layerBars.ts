/** One bar for each layer of a model: separate things, so no line joins them. */
import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import { type Figure, figure } from 'lowrank-notebook';
import { INK, METHOD_STYLES, type Method, SERIES_COLOURS, withMinus } from 'lowrank-notebook/internal';

/** The value of one layer, such as the size of its update. */
export interface LayerValue {
  readonly layer: number;
  /** The name of its panel, such as `q_proj`. @defaultValue one panel for all */
  readonly part?: string;
  readonly value: number;
}

export interface LayerBarsOptions {
  readonly title: string;
  /** What the bars show, with its unit. */
  readonly valueTitle: string;
  /** The method whose colour the bars have. @defaultValue a neutral colour */
  readonly method?: Method;
}

/**
 * Bars of a value by layer, one panel for each part below the other on one scale. A bar that goes down is a negative value.
 *
 * @throws ArgumentError when there is no value, or one that is not finite
 */
export function layerBars(values: readonly LayerValue[], options: LayerBarsOptions): Figure {
  checkKnown('layerBars', options, ['title', 'valueTitle', 'method']);
  const { title, valueTitle, method } = options;
  if (values.length === 0) throw new ArgumentError('layerBars has no values; pass at least one');
  const odd = values.find(({ value }) => !Number.isFinite(value));
  if (odd) throw new ArgumentError(`the value of layer ${odd.layer} is ${odd.value}; pass finite numbers`);
  const parts = [...new Set(values.map(({ part = '' }) => part))];
  const extent = [Math.min(0, ...values.map(({ value }) => value)), Math.max(0, ...values.map(({ value }) => value))];
  const panels = parts.map((part) => ({
    ...(part === '' ? {} : { title: { text: part, fontSize: 11, offset: 4 } }),
    width: 480,
    height: parts.length > 1 ? 90 : 150,
    data: {
      values: values
        .filter((each) => (each.part ?? '') === part)
        .map(({ layer, value }) => ({ layer, value: Number(value.toPrecision(4)) })),
    },
    layer: [
      {
        mark: { type: 'bar', width: { band: 0.7 }, tooltip: true, color: method ? METHOD_STYLES[method].colour : SERIES_COLOURS[0] },
        encoding: {
          x: {
            field: 'layer',
            type: 'ordinal',
            title: part === parts.at(-1) ? 'decoder layer' : null,
            axis: { labelAngle: 0, labelOverlap: true, ticks: false },
          },
          y: { field: 'value', type: 'quantitative', title: valueTitle, scale: { domain: extent }, axis: { tickCount: 4 } },
        },
      },
      { mark: { type: 'rule', color: INK }, encoding: { y: { datum: 0 } } },
    ],
  }));
  const told = parts.map((part) => {
    const own = values.filter((each) => (each.part ?? '') === part);
    const most = own.reduce((best, each) => (Math.abs(each.value) > Math.abs(best.value) ? each : best));
    const name = part === '' ? '' : `${part}: `;
    return `${name}${own.length} layers, the furthest from zero layer ${most.layer} with ${withMinus(most.value.toPrecision(3))}`;
  });
  return figure({ title, vconcat: panels, spacing: 12 }, `Bars of ${valueTitle} by layer (${title}). ${told.join('; ')}.`);
}
