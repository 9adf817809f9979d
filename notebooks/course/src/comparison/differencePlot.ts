import { ArgumentError } from 'lowrank/errors';
import { type Figure, figure, methodColor } from 'lowrank-notebook';
import { INK, nominal } from 'lowrank-notebook/internal';
import type { ExperimentDifference } from 'lowrank-review';
import { METRICS, numberText } from './metrics';

export interface DifferencePlotOptions {
  readonly title?: string;
}

const WIDTH = 145;

/** Whether the interval excludes 0. */
export function isShown({ low, high }: Pick<ExperimentDifference, 'low' | 'high'>): boolean {
  return low > 0 || high < 0;
}

/**
 * Paired differences with their intervals, one panel per task and metric, one row per pair: filled in the first method's colour if the
 * interval excludes 0, else hollow and grey.
 *
 * @throws ArgumentError when there is no difference, or a method that has no colour
 */
export function differencePlot(differences: readonly ExperimentDifference[], options: DifferencePlotOptions = {}): Figure {
  if (differences.length === 0) throw new ArgumentError('differencePlot has no differences; pass at least one');
  const { title = 'Paired differences' } = options;
  const panels = [...new Set(differences.map(({ task, metric }) => `${task}, ${METRICS[metric].name}`))];
  const pairs = [...new Set(differences.map(({ method, reference }) => `${method} − ${reference}`))];
  const points = differences.map(({ method, reference, task, metric, value, low, high }) => ({
    panel: `${task}, ${METRICS[metric].name}`,
    pair: `${method} − ${reference}`,
    value,
    low,
    high,
    told: `${numberText(metric, value)} (${numberText(metric, low)} to ${numberText(metric, high)})`,
    colour: isShown({ low, high }) ? methodColor(method) : INK,
    fill: isShown({ low, high }) ? methodColor(method) : 'transparent',
  }));
  const tooltip = [nominal('pair', 'difference'), nominal('told', 'points (95 %)')];
  const colour = { field: 'colour', type: 'nominal', scale: null };
  const view = (panel: string, place: number): object => {
    const own = points.filter((point) => point.panel === panel);
    const labels = place === 0 ? { ticks: false, domain: false, labelPadding: 8, labelLimit: 320 } : null;
    const y = { field: 'pair', type: 'nominal', sort: pairs, scale: { domain: pairs }, title: null, axis: labels };
    const x = { field: 'value', type: 'quantitative', title: 'points', axis: { tickCount: 4 } };
    return {
      title: { text: panel, anchor: 'start' },
      width: WIDTH,
      height: { step: 24 },
      data: { values: own },
      layer: [
        { data: { values: [{ zero: 0 }] }, mark: { type: 'rule', strokeDash: [4, 3] }, encoding: { x: { ...x, field: 'zero' } } },
        {
          mark: { type: 'rule', strokeWidth: 2 },
          encoding: { y, x: { ...x, field: 'low' }, x2: { field: 'high' }, color: colour, tooltip },
        },
        {
          mark: { type: 'point', size: 60, opacity: 1, strokeWidth: 2 },
          encoding: { y, x, color: colour, fill: { field: 'fill', type: 'nominal', scale: null }, tooltip },
        },
      ],
    };
  };
  const sentence = panels.map((panel) => {
    const own = points.filter((point) => point.panel === panel);
    return `${panel}: ${own.map(({ pair, told }) => `${pair} ${told}`).join('; ')}.`;
  });
  return figure({ title, spacing: 20, hconcat: panels.map(view) }, `${title}. ${sentence.join(' ')}`);
}
