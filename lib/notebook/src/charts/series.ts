/** Shared by the chart builders: number formats, rounding, and the colour, dash and shape of each series. */
import { SERIES_COLOURS, SERIES_DASHES, SERIES_SHAPES } from '../theme';

/** Rounds to five significant digits, which suffices for drawing and keeps committed notebooks small. */
export function rounded(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(5)) : null;
}

/** A number for a label or sentence: integers in full, others with four significant digits. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Number.isInteger(value)
    ? value.toLocaleString('en-US')
    : Number(value.toPrecision(4)).toLocaleString('en-US', { maximumSignificantDigits: 4 });
}

/** The distinct values in order of appearance. */
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

/** Encodes the series by colour, with a legend above the chart if there are several. */
export function colourBySeries(names: readonly string[]) {
  return bySeries(names, SERIES_COLOURS);
}

/** Encodes the series by dash too, for readers who cannot see the colours; shares the legend. */
export function dashBySeries(names: readonly string[]) {
  return bySeries(names, SERIES_DASHES);
}

/** Like `dashBySeries`, for points. */
export function shapeBySeries(names: readonly string[]) {
  return bySeries(names, SERIES_SHAPES);
}
