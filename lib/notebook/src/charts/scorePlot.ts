import { ArgumentError } from 'lowrank/errors';
import { checkKnown, checkOneOf } from 'lowrank/internal';
import { Figure } from '../figure';
import { textWidth } from '../textWidth';
import { type Facet, parametersView, rowOf, type Score, sortedView } from './scoreViews';
import { checkIntervals, distinct, readable, stylesOf } from './series';

/** Settings of `scorePlot`. */
export interface ScorePlotOptions {
  /** The measured quantity with its unit or range: one for all facets, or one for each. */
  readonly scoreTitle: string | Readonly<Record<string, string>>;
  readonly title?: string;
  /** `sorted`: methods from the best to the worst. `parameters`: scores against trained parameters. @defaultValue `sorted` */
  readonly form?: 'sorted' | 'parameters';
  /** Facets side by side. @defaultValue 2 for the form `sorted`, and 1 for `parameters`, whose lines have their names beside them */
  readonly columns?: number;
  /** Formats the scores. @defaultValue four significant digits */
  readonly format?: (value: number) => string;
}

/**
 * Scores of methods with their intervals, one facet for each task: from the best to the worst, or against trained parameters. A method
 * keeps its colour and shape in all facets.
 *
 * @throws ArgumentError when there are no scores, a facet has a method twice, or a score lacks the parameters that the form `parameters`
 * needs
 */
export function scorePlot(scores: readonly Score[], options: ScorePlotOptions): Figure {
  checkKnown('scorePlot', options, ['scoreTitle', 'title', 'form', 'columns', 'format']);
  if (scores.length === 0) throw new ArgumentError('scorePlot has no scores; pass at least one');
  const { scoreTitle, title, form = 'sorted', format = readable } = options;
  checkOneOf('form', form, ['sorted', 'parameters']);
  checkIntervals(scores, ({ method }) => method);
  const { columns = form === 'sorted' ? 2 : 1 } = options;
  const methods = distinct(scores.map(({ method }) => method));
  const looks = stylesOf(methods);
  const styles = new Map(methods.flatMap((method, index) => (looks[index] ? [[method, looks[index]] as const] : [])));
  const names = distinct(scores.map(({ facet = '' }) => facet));
  const width = axisWidth(scores, names, columns, format);
  const facets = names.map((name): Facet => {
    const own = scores.filter(({ facet = '' }) => facet === name);
    const twice = own.find(({ method }, index) => own.findIndex((each) => each.method === method) !== index);
    if (twice) throw new ArgumentError(`${twice.method} is twice in the facet '${name}'; give each its own name or facet`);
    const measured = typeof scoreTitle === 'string' ? scoreTitle : (scoreTitle[name] ?? '');
    return { name, scores: own, scoreTitle: measured, styles, format, width };
  });
  const widestName = Math.max(...methods.map((method) => textWidth(method, 11)));
  const view = {
    ...(title ? { title } : {}),
    columns,
    spacing: form === 'sorted' ? { column: COLUMN_GAP, row: 36 } : { column: Math.max(90, Math.round(widestName)), row: 36 },
    concat: facets.map(form === 'sorted' ? sortedView : parametersView),
  };
  const told = facets.map(({ name, scores: own, scoreTitle: measured }) => {
    const parts = [...own]
      .sort((a, b) => b.value - a.value)
      .map((score) => {
        const { text, interval } = rowOf(score, format);
        return `${score.method} ${text}${interval === 'none' ? '' : ` (${interval})`}`;
      });
    return `${name ? `${name}, ` : ''}${measured}: ${parts.join('; ')}`;
  });
  return new Figure(view, `Scores${title ? ` (${title})` : ''}. ${told.join('. ')}.`);
}

/** In pixels: the width for a figure in JupyterLab on a screen of 1280 px, beside the list of files and the figure's own menu. */
const WIDEST = 800;
const AXIS = 240;
const COLUMN_GAP = 20;

/** The width of an axis of the form `sorted`, which has a method's name at its left and the score at its right. */
function axisWidth(scores: readonly Score[], facets: readonly string[], columns: number, format: (value: number) => string): number {
  const used = Math.min(columns, facets.length);
  const beside = Array.from({ length: used }, (_, column) => {
    const own = scores.filter(({ facet = '' }) => facets.indexOf(facet) % columns === column);
    const widest = (texts: string[]) => Math.max(...texts.map((text) => textWidth(text, 11)));
    return 24 + widest(own.map(({ method }) => method)) + widest(own.map(({ value }) => format(value)));
  }).reduce((sum, width) => sum + width, COLUMN_GAP * (used - 1));
  return Math.max(AXIS / 2, Math.min(AXIS, Math.floor((WIDEST - beside) / used)));
}
