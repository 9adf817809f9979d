/** Values that Python produces item by item: ranges, views of mappings, and the results of many filters. None of them is a list. */
import { type Jinja, valueMaker } from './jinjaLibrary';
import type { Value } from './value';

interface Series {
  /** The function or filter that made it, for messages. */
  readonly name: string;
  readonly items: Value;
  /** Ranges and views are read as often as one likes; all others once. */
  readonly isLasting: boolean;
  isRead: boolean;
}

const all = new WeakMap<Value, Series>();

/** Functions and views whose results have a length in a template. */
const LASTING: ReadonlySet<string> = new Set(['range', 'keys', 'values', '.items']);

/** Makes series; the library takes them for functions, and so refuses nearly everything that Python refuses. */
export function seriesMaker(jinja: Jinja): (name: string, items: Value) => Value {
  const made = valueMaker(jinja);
  return (name, items) => {
    const value = made(() => {
      throw new Error(`it calls what ${name} makes`);
    });
    const isLasting = LASTING.has(name);
    all.set(value, { name: name.replace('.', ''), items, isLasting, isRead: false });
    return isLasting ? Object.assign(value, { __bool__: () => made(lengthOf(items) > 0) }) : value;
  };
}

const lengthOf = ({ value }: Value): number => (value as readonly Value[]).length;

export const isLasting = (value: Value): boolean => all.get(value)?.isLasting === true;

/** The list behind a series, without reading it. */
export const behind = (value: Value): Value | undefined => all.get(value)?.items;

/** Filters that read a series to its end, or as far as they need. */
const READING: ReadonlySet<string> = new Set([
  ...['first', 'items', 'join', 'list', 'map', 'max', 'min', 'reject', 'rejectattr'],
  ...['reverse', 'select', 'selectattr', 'sort', 'sum', 'unique'],
]);
const OF_LASTING: ReadonlySet<string> = new Set(['count', 'last', 'length']);

/**
 * The value that a loop, `in` or a filter reads: the items of a series, or the value itself.
 *
 * @throws Error for a second reading of what can be read once, and for a filter that needs a list.
 */
export function read(value: Value, filter?: string): Value {
  const series = all.get(value);
  if (!series || filter === 'default' || filter === 'd') return value;
  if (filter !== undefined && !READING.has(filter) && !(series.isLasting && OF_LASTING.has(filter))) throw noList(value);
  if (series.isRead && !series.isLasting) throw new Error(`it reads twice what ${series.name} makes, which Python reads once: add | list`);
  series.isRead = true;
  return series.items;
}

/** The error of what a series cannot be used for. */
const noList = (value: Value): Error => new Error(`it takes what ${all.get(value)?.name} makes for a list: add | list`);

/** @throws Error where one of the values is a series. */
export function refuseSeries(...values: readonly (Value | undefined)[]): void {
  for (const value of values) if (value && all.has(value)) throw noList(value);
}
