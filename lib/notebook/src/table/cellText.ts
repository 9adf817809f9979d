/** Formats the values of a table column. */
import { withMinus } from '../minus';

const MISSING = '–';
const SIGNIFICANT_DIGITS = 4;
/** Smaller numbers have no thousands separator: years, steps, sizes such as 2048. */
const SEPARATE_FROM = 10_000;

/** Whether all values of a column are numbers (or missing). Such a column is right-aligned. */
export function isNumeric(values: readonly unknown[]): boolean {
  const present = values.filter((value) => value !== null && value !== undefined);
  return present.length > 0 && present.every((value) => typeof value === 'number' || typeof value === 'bigint');
}

/**
 * Formats numbers with a fixed number of decimals, or with an exponent if they would round to 0. One format serves a whole column, for making one
 * takes 22 µs.
 */
function numberFormat(decimals: number, useGrouping: boolean): (value: number) => string {
  const format = new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals, useGrouping });
  return (value) => {
    if (!Number.isFinite(value)) return String(value);
    if (value !== 0 && Math.abs(value) < 0.5 * 10 ** -decimals) return withMinus(value.toExponential(1));
    return withMinus(format.format(value));
  };
}

/** The number of decimals as written: 2 for 5.16. */
function ownDecimals(value: number): number {
  const [digits = '', exponent = '0'] = String(value).split('e');
  return Math.max(0, (digits.split('.')[1]?.length ?? 0) - Number(exponent));
}

/** The largest of 0 and the numbers: a column may have more of them than a call can have arguments. */
export function largestOf(numbers: readonly number[]): number {
  return numbers.reduce((largest, number) => Math.max(largest, number), 0);
}

/** Decimals that show four significant digits of the column's largest value, but no more than the values have. */
function decimalsFor(numbers: readonly number[]): number {
  const largest = largestOf(numbers.map(Math.abs));
  const digitsBeforePoint = largest === 0 ? 0 : Math.floor(Math.log10(largest)) + 1; // negative for 0.0…
  const enough = Math.min(6, Math.max(0, SIGNIFICANT_DIGITS - digitsBeforePoint));
  return Math.min(enough, largestOf(numbers.map(ownDecimals)));
}

function otherText(value: unknown): string {
  if (value === null || value === undefined) return MISSING;
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return JSON.stringify(value) ?? String(value);
  return String(value);
}

/** The texts of a column's first rows. All numbers have the same number of decimals, so their decimal points line up. */
export function columnText(values: readonly unknown[], rows: number, decimals?: number): string[] {
  const shown = values.slice(0, rows);
  if (!isNumeric(values)) return shown.map(otherText);
  const numbers = values.filter((value): value is number => Number.isFinite(value));
  const places = decimals ?? decimalsFor(numbers);
  const separate = values.some(
    (value) => (typeof value === 'number' || typeof value === 'bigint') && (value >= SEPARATE_FROM || value <= -SEPARATE_FROM),
  );
  const numberText = numberFormat(places, separate);
  const whole = new Intl.NumberFormat('en-US', { useGrouping: separate });
  return shown.map((value) => {
    if (typeof value === 'number') return numberText(value);
    if (typeof value === 'bigint') return withMinus(whole.format(value));
    return MISSING;
  });
}
