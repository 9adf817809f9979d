/** The arguments that a template passes to filters, methods and functions. */
import type { Value } from '../value';

/** Values that were given by place or by name. */
export interface Given {
  readonly places: readonly Value[];
  readonly names: ReadonlyMap<string, Value>;
}

/** The arguments by the places that they have in Python's signature. */
export type Taken = readonly (Value | undefined)[];

/** By name; a template may ask for `constructor`. */
export function own<T>(record: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(record));
}

export const isText = (value: Value | undefined): value is Value & { readonly value: string } => value?.type === 'StringValue';

/** The arguments of a function: the library puts those with names into one last value. */
export function givenOf(args: readonly Value[]): Given {
  const last = args.at(-1);
  if (last?.type !== 'KeywordArgumentsValue') return { places: args, names: new Map() };
  return { places: args.slice(0, -1), names: last.value as ReadonlyMap<string, Value> };
}

/** A whole number; a truth value counts as 0 or 1. @throws Error for anything else. */
export function wholeOf(value: Value, use: string): number {
  if (value.type === 'IntegerValue' || value.type === 'BooleanValue') return Number(value.value);
  throw new Error(`it ${use} by something other than a whole number`);
}
