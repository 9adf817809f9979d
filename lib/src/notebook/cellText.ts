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

/** Writes one number with a fixed count of decimals, and with thousands separators when `separate` is set. */
function numberText(value: number, decimals: number, separate: boolean): string {
  if (!Number.isFinite(value)) return String(value);
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals, useGrouping: separate });
}

/** The decimals that give the column's largest value four significant digits: 0 for whole numbers, at most 6. */
function decimalsFor(numbers: readonly number[]): number {
  if (numbers.every(Number.isInteger)) return 0;
  const largest = Math.max(...numbers.map(Math.abs));
  const magnitude = Math.floor(Math.log10(largest)) + 1; // digits before the point; negative for 0.0…
  return Math.min(6, Math.max(0, SIGNIFICANT_DIGITS - Math.max(magnitude, 0)));
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
