import { ArgumentError } from 'lowrank/errors';
import { checkKnown } from 'lowrank/internal';
import { Figure } from '../figure';

/** Settings of `panels`. */
export interface PanelsOptions {
  readonly title?: string;
  /** @defaultValue 2 */
  readonly columns?: number;
}

/** Combines several figures into one, each with its own scales, for example as a 2 × 2 comparison. */
export function panels(figures: readonly Figure[], options: PanelsOptions = {}): Figure {
  checkKnown('panels', options, ['title', 'columns']);
  const { title, columns = 2 } = options;
  if (figures.length === 0) throw new ArgumentError('panels has no figures; pass at least one');
  const own = { color: 'independent', shape: 'independent', size: 'independent', strokeDash: 'independent' };
  const view = {
    ...(title ? { title } : {}),
    columns,
    spacing: 20,
    // The axes of a column begin at one place, and so do the titles.
    concat: figures.map(({ view }) =>
      typeof view.title === 'string' && 'layer' in view ? { ...view, title: { text: view.title, frame: 'group' } } : view,
    ),
    resolve: { scale: { ...own, xOffset: 'independent' }, legend: own },
  };
  return new Figure(view, [...(title ? [`${title}.`] : []), ...figures.map((figure) => figure.sentence)].join(' '));
}
