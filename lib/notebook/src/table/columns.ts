/** Reads tables from any library as named columns, without importing the library. */
import { ArgumentError } from 'lowrank/errors';

export interface Column {
  readonly name: string;
  readonly values: readonly unknown[];
}

interface PolarsSeries {
  readonly name: string;
  readonly dtype: unknown;
  toArray(): unknown[];
}

interface DanfoFrame {
  readonly columns: readonly unknown[];
  readonly dtypes: readonly unknown[];
  readonly values: readonly unknown[];
  /** The row labels; 0, 1, 2, … by default. */
  readonly index?: readonly unknown[];
}

function isPolarsSeries(value: object): value is PolarsSeries {
  const { name, dtype, toArray } = value as Partial<PolarsSeries>;
  return typeof name === 'string' && dtype !== undefined && typeof toArray === 'function';
}

function isPolarsFrame(value: object): value is { getColumns(): PolarsSeries[] } {
  return typeof (value as { getColumns?: unknown }).getColumns === 'function';
}

function isDanfo(value: object): value is DanfoFrame {
  const { columns, dtypes, values } = value as Partial<DanfoFrame>;
  return Array.isArray(columns) && Array.isArray(dtypes) && Array.isArray(values);
}

function polarsColumn(series: PolarsSeries): Column {
  return { name: series.name, values: series.toArray() };
}

function danfoColumns({ columns, values, index = [] }: DanfoFrame): Column[] {
  const cell = (row: unknown, place: number) => (Array.isArray(row) ? row[place] : row); // a Series has no inner arrays
  const own = columns.map((name, place) => ({
    name: String(name),
    values: values.map((row) => cell(row, place)),
  }));
  if (index.every((name, place) => name === place)) return own;
  return [{ name: 'index', values: index }, ...own];
}

function recordColumns(records: readonly unknown[]): Column[] {
  const rows = records.map((record) => {
    if (typeof record === 'object' && record !== null && !Array.isArray(record)) return new Map<string, unknown>(Object.entries(record));
    throw new ArgumentError(`a row of the table is ${JSON.stringify(record)}; pass an array of objects, one per row`);
  });
  const names = new Set(rows.flatMap((row) => [...row.keys()]));
  return [...names].map((name) => {
    const values = rows.map((row) => row.get(name));
    return { name, values };
  });
}

/** Whether `tableColumns` can read the value. */
export function isTable(value: object): boolean {
  return Array.isArray(value) || isPolarsFrame(value) || isPolarsSeries(value) || isDanfo(value);
}

/**
 * The columns of a danfojs or polars frame or series, or of an array of objects with one object per row.
 *
 * @throws ArgumentError when the value is none of these
 */
export function tableColumns(value: object): Column[] {
  if (Array.isArray(value)) return recordColumns(value);
  if (isPolarsFrame(value)) return value.getColumns().map(polarsColumn);
  if (isPolarsSeries(value)) return [polarsColumn(value)];
  if (isDanfo(value)) return danfoColumns(value);
  throw new ArgumentError('this value is not a table: pass a danfojs or polars DataFrame, or an array of objects with one object per row');
}
