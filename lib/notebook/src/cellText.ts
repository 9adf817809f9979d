/** How the values of one table column are written. */
const MISSING = '–';
const SIGNIFICANT_DIGITS = 4;
/** Below this, a thousands separator is in the way: years, steps, sizes such as 2048. */
const SEPARATE_FROM = 10_000;

/** Whether a column's values are all numbers (or missing), so that it is right-aligned. */
export function isNumeric(values: readonly unknown[]): boolean {
  const present = values.filter((value) => value !== null && value !== undefined);
  return present.length > 0 && present.every((value) => typeof value === 'number' || typeof value === 'bigint');
}

/** Writes one number with a fixed count of decimals; one that would become 0 is written with an exponent instead. */
function numberText(value: number, decimals: number, useGrouping: boolean): string {
  if (!Number.isFinite(value)) return String(value);
  if (value !== 0 && Math.abs(value) < 0.5 * 10 ** -decimals) return value.toExponential(1);
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals, useGrouping });
}

/** How many decimals a number has as it is written: 2 for 5.16. */
function ownDecimals(value: number): number {
  const [digits = '', exponent = '0'] = String(value).split('e');
  return Math.max(0, (digits.split('.')[1]?.length ?? 0) - Number(exponent));
}

/** The decimals that give the column's largest value four significant digits, but no more than its values have. */
function decimalsFor(numbers: readonly number[]): number {
  const largest = Math.max(0, ...numbers.map(Math.abs));
  const digitsBeforePoint = largest === 0 ? 0 : Math.floor(Math.log10(largest)) + 1; // negative for 0.0…
  const enough = Math.min(6, Math.max(0, SIGNIFICANT_DIGITS - digitsBeforePoint));
  return Math.min(enough, Math.max(0, ...numbers.map(ownDecimals)));
}

function otherText(value: unknown): string {
  if (value === null || value === undefined) return MISSING;
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return JSON.stringify(value) ?? String(value);
  return String(value);
}

/** The texts of a column; numbers share one count of decimals so that their points line up. */
export function columnText(values: readonly unknown[], decimals?: number): string[] {
  if (!isNumeric(values)) return values.map(otherText);
  const numbers = values.filter((value): value is number => Number.isFinite(value));
  const places = decimals ?? decimalsFor(numbers);
  const separate = values.some(
    (value) => (typeof value === 'number' || typeof value === 'bigint') && (value >= SEPARATE_FROM || value <= -SEPARATE_FROM),
  );
  return values.map((value) => {
    if (typeof value === 'number') return numberText(value, places, separate);
    if (typeof value === 'bigint') return value.toLocaleString('en-US', { useGrouping: separate });
    return MISSING;
  });
}
