/** What a template gives to filters, methods and functions, and what these are looked up by. */
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

/** What the library gives to a function: what has a name comes last, in one value. */
export function givenOf(args: readonly Value[]): Given {
  const last = args.at(-1);
  if (last?.type !== 'KeywordArgumentsValue') return { places: args, names: new Map() };
  return { places: args.slice(0, -1), names: last.value as ReadonlyMap<string, Value> };
}

/** What Python takes for a number that counts. @throws Error for other than a whole number or a truth value. */
export function wholeOf(value: Value, use: string): number {
  if (value.type === 'IntegerValue' || value.type === 'BooleanValue') return Number(value.value);
  throw new Error(`it ${use} by what is no whole number`);
}
