/** Shared by the chart builders: number formats, rounding, and the colour, dash and shape of each series. */
import { METHOD_STYLES, type MethodStyle, methodOf } from '../methods';
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

/**
 * The colour, dash and shape of each series: the method's own if the name mentions one, else the next neutral one. Of several LoRAs, the
 * one with the highest rank and α has the main blue, in any order.
 */
export function stylesOf(names: readonly string[]): MethodStyle[] {
  let neutral = 0;
  const taken = new Set<string>();
  const styles = new Map<string, MethodStyle>();
  const byRank = [...names].sort((a, b) => b.localeCompare(a, 'en', { numeric: true })).filter((name) => methodOf(name) === 'LoRA');
  for (const name of distinct([...byRank, ...names])) {
    const method = methodOf(name);
    const own = method ? METHOD_STYLES[method] : neutralStyle(neutral++);
    const style = method === 'LoRA' ? shade(own, taken) : own;
    const dash = freeOf(taken, style.dash, SERIES_DASHES);
    const shape = freeOf(taken, style.shape, SERIES_SHAPES);
    for (const code of [style.colour, String(dash), shape]) taken.add(code);
    styles.set(name, { colour: style.colour, dash, shape });
  }
  return names.map((name) => styles.get(name) ?? neutralStyle(0));
}

function neutralStyle(place: number): MethodStyle {
  const at = <T>(values: readonly T[], otherwise: T): T => values[place % values.length] ?? otherwise;
  return {
    colour: at<string>(SERIES_COLOURS, SERIES_COLOURS[0]),
    dash: at<readonly number[]>(SERIES_DASHES, SERIES_DASHES[0]),
    shape: at<string>(SERIES_SHAPES, SERIES_SHAPES[0]),
  };
}

/** Further LoRAs, for example of other ranks, have other shades of blue. */
function shade(own: MethodStyle, taken: ReadonlySet<string>): MethodStyle {
  const { DoRA, rsLoRA } = METHOD_STYLES;
  const shades = [own, DoRA, METHOD_STYLES['LoRA, all linear layers'], rsLoRA];
  return shades.find(({ colour }) => !taken.has(colour)) ?? own;
}

/** The preferred code, or the first free one if another series has it. */
function freeOf<T>(taken: ReadonlySet<string>, wanted: T, codes: readonly T[]): T {
  return [wanted, ...codes].find((code) => !taken.has(String(code))) ?? wanted;
}

function bySeries(names: readonly string[], codes: readonly unknown[]) {
  const legend = names.length > 1 ? { orient: 'top', title: null, columns: 3 } : null;
  return { field: 'series', type: 'nominal', scale: { domain: names, range: codes }, legend };
}

/** Encodes the series by colour, with a legend above the chart if there are several. */
export function colourBySeries(names: readonly string[]) {
  return bySeries(
    names,
    stylesOf(names).map(({ colour }) => colour),
  );
}

/** Encodes the series by dash too, for readers who cannot see the colours; shares the legend. */
export function dashBySeries(names: readonly string[]) {
  return bySeries(
    names,
    stylesOf(names).map(({ dash }) => dash),
  );
}

/** Like `dashBySeries`, for points. */
export function shapeBySeries(names: readonly string[]) {
  return bySeries(
    names,
    stylesOf(names).map(({ shape }) => shape),
  );
}
