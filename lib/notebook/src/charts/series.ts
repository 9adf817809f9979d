/** Shared by the chart builders: number formats, rounding, and the colour, dash and shape of each series. */
import { ArgumentError } from 'lowrank/errors';
import { nearestName } from 'lowrank/internal';
import { LORA_BLUES, METHOD_STYLES, type MethodStyle, methodOf } from '../methodStyles';
import { withMinus } from '../minus';
import { SERIES_COLOURS, SERIES_DASHES, SERIES_SHAPES } from '../theme';

/** Rounds to significant digits: five suffice for drawing and keep committed notebooks small. */
export function rounded(value: number, digits = 5): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : null;
}

/** A number for a label or sentence: integers in full, others with four significant digits. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = Number.isInteger(value) ? {} : { maximumSignificantDigits: 4 };
  return withMinus(value.toLocaleString('en-US', digits));
}

interface Interval {
  readonly low?: number;
  readonly high?: number;
}

/** What people call the ends of an interval. */
const ENDS = [
  ['low', 'lo', 'lower', 'min'],
  ['high', 'hi', 'upper', 'max'],
] as const;

/** @throws ArgumentError when an interval has one end only, or other names than `low` and `high`: it would not be drawn. */
export function checkIntervals<R extends Interval>(records: readonly R[], nameOf: (record: R) => string): void {
  const seen = new Set<string>();
  for (const record of records) {
    const { low, high } = record;
    if ((low === undefined) !== (high === undefined))
      throw new ArgumentError(`the interval of ${nameOf(record)} has no '${low === undefined ? 'low' : 'high'}'; pass both ends, or none`);
    const names = Object.keys(record).filter((name) => name !== 'low' && name !== 'high');
    if (low !== undefined || seen.size === seen.add(names.join()).size) continue; // few forms, of many records
    const [least, most] = ENDS.map((ends) => names.find((name) => nearestName(name, ends) !== undefined));
    if (least === undefined || most === undefined || least === most) continue;
    throw new ArgumentError(
      `${nameOf(record)} has ${names.join(', ')}; an interval is read from low and high: rename ${least} and ${most}, or leave them out`,
    );
  }
}

/** The distinct values in order of appearance. */
export function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}

/**
 * The colour, dash and shape of each series: the method's own if the name mentions one, else the next neutral one. Of several LoRAs, the
 * one called just that has the main blue, or the one with the paper's rank and α, or the one with the highest, in any order.
 */
export function stylesOf(names: readonly string[]): MethodStyle[] {
  let neutral = 0;
  const taken = new Set<string>();
  const styles = new Map<string, MethodStyle>();
  const [main = [], others = []] = byStanding(names.filter((name) => methodOf(name) === 'LoRA'));
  // The others take what is left, for the sake of the dashes and shapes of the methods.
  for (const name of distinct([...main, ...names.filter((each) => !others.includes(each)), ...others])) {
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

/** LoRAs in their order: the main one, and the others. */
function byStanding(names: readonly string[]): string[][] {
  const sorted = distinct(names).sort((a, b) => standing(a) - standing(b) || b.localeCompare(a, 'en', { numeric: true }));
  return [sorted.slice(0, 1), sorted.slice(1)];
}

/** The place of a LoRA among others: the plain one, that of the paper's setting, and the rest. */
function standing(name: string): number {
  if (name === 'LoRA') return 0;
  return /r ?= ?16, α ?= ?16$/.test(name) ? 1 : 2;
}

/** Further LoRAs, for example of other ranks, have other blues. */
function shade(own: MethodStyle, taken: ReadonlySet<string>): MethodStyle {
  return { ...own, colour: LORA_BLUES.find((colour) => !taken.has(colour)) ?? own.colour };
}

/** The preferred code, or the first free one if another series has it. */
function freeOf<T>(taken: ReadonlySet<string>, wanted: T, codes: readonly T[]): T {
  return [wanted, ...codes].find((code) => !taken.has(String(code))) ?? wanted;
}

function bySeries(names: readonly string[], codeOf: (style: MethodStyle) => unknown) {
  const legend = names.length > 1 ? { orient: 'top', title: null, columns: 3 } : null;
  return { field: 'series', type: 'nominal', scale: { domain: names, range: stylesOf(names).map(codeOf) }, legend };
}

/** Encodes the series by colour, with a legend above the chart if there are several. */
export function colourBySeries(names: readonly string[]) {
  return bySeries(names, ({ colour }) => colour);
}

/** Encodes the series by dash too, for readers who cannot see the colours; shares the legend. */
export function dashBySeries(names: readonly string[]) {
  return bySeries(names, ({ dash }) => dash);
}

/** Like `dashBySeries`, for points. */
export function shapeBySeries(names: readonly string[]) {
  return bySeries(names, ({ shape }) => shape);
}
