/** What a template gives to a filter or method, and what these are looked up by. */
import type { Value } from './value';

/** Values that were given by place or by name. */
export interface Given {
  readonly places: readonly Value[];
  readonly names: ReadonlyMap<string, Value>;
}

/** By name; a template may ask for `constructor`. */
export function own<T>(record: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(record));
}

export const isText = (value: Value | undefined): value is Value & { readonly value: string } => value?.type === 'StringValue';

/** The arguments by their names' order. @throws Error for others. */
export function taken(filter: string, { places, names }: Given, known: readonly string[]): (Value | undefined)[] {
  const other = Array.from(names.keys()).find((name) => known.indexOf(name) < places.length);
  if (other !== undefined || places.length > known.length) throw new Error(`it gives ${filter} an argument that is not known here`);
  return known.map((name, index) => places[index] ?? names.get(name));
}
