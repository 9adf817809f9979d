/** What the builders share: number texts, rounding, and the colour, dash and shape of each series. */
import { SERIES_COLOURS, SERIES_DASHES, SERIES_SHAPES } from '../theme';

/** Five significant digits: enough to draw, and a committed notebook stays small. */
export function rounded(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(5)) : null;
}

/** A number for a label or a sentence: whole ones in full, others with four significant digits. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Number.isInteger(value)
    ? value.toLocaleString('en-US')
    : Number(value.toPrecision(4)).toLocaleString('en-US', { maximumSignificantDigits: 4 });
}

/** The different values in order of appearance. */
export function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function cycled<T>(values: readonly T[], count: number): (T | undefined)[] {
  return Array.from({ length: count }, (_, index) => values[index % values.length]);
}

function bySeries(names: readonly string[], codes: readonly unknown[]) {
  const legend = names.length > 1 ? { orient: 'top', title: null, columns: 3 } : null;
  return { field: 'series', type: 'nominal', scale: { domain: names, range: cycled(codes, names.length) }, legend };
}

/** Encodes a series by colour, with a legend above the chart when there is more than one. */
export function colourBySeries(names: readonly string[]) {
  return bySeries(names, SERIES_COLOURS);
}

/** Encodes the series a second time, for readers who do not see the colours; shares the legend. */
export function dashBySeries(names: readonly string[]) {
  return bySeries(names, SERIES_DASHES);
}

/** As `dashBySeries`, for points. */
export function shapeBySeries(names: readonly string[]) {
  return bySeries(names, SERIES_SHAPES);
}
