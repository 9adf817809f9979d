import { readable } from '../series';
import type { LinePlotOptions, LinePoint, LineSeries } from './lineSeries';

/** Describes a chart of lines or points in words: the ends of each series, and its references. */
export function lineSentence(series: readonly LineSeries[], options: LinePlotOptions, name: string): string {
  const { xTitle, yTitle, title, references = [], xReferences = [] } = options;
  const value = ({ y, low, high }: LinePoint) =>
    low === undefined || high === undefined ? readable(y) : `${readable(y)} (${readable(low)} to ${readable(high)})`;
  const ends = series.flatMap(({ label, points }) => {
    const first = points[0];
    const last = points[points.length - 1];
    if (!first || !last) return [];
    if (points.length === 1) return [`${label} ${value(first)} at ${readable(first.x)}`];
    return [`${label} from ${value(first)} at ${readable(first.x)} to ${value(last)} at ${readable(last.x)}`];
  });
  const compared = [...references.map((each) => `${each.label} ${readable(each.y)}`)];
  const places = xReferences.map((each) => `${each.label} at ${readable(each.x)}`);
  return `${name} of ${yTitle} against ${xTitle}${title ? ` (${title})` : ''}: ${[...ends, ...compared, ...places].join('; ')}.`;
}
