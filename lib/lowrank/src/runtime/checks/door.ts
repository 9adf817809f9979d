/** Guards public functions: a missing or null argument throws an ArgumentError that names it. */
import { ArgumentError } from '../errors';

/** One name for each parameter that a caller has to give; undefined for one that may be undefined. */
type Needed<A extends readonly unknown[]> = A extends [infer First, ...infer Rest]
  ? [undefined extends First ? undefined : string, ...Needed<Rest>]
  : [];

type NeededBy<F> = F extends (...args: infer A) => unknown ? Needed<A> : [];

/** The names of the needed parameters of every function that has any; the compiler finds a function that is missing. */
export type Door<P extends object> = { readonly [K in keyof P as NeededBy<P[K]> extends [] ? never : K]: NeededBy<P[K]> };

/** The same functions, with an ArgumentError in place of a TypeError from their inside where an argument is missing or null. */
export function behindDoor<P extends object>(library: P, door: Door<P>): Pick<P, keyof Door<P> & keyof P> {
  const guarded = Object.entries<Names>(door).map(([name, needed]) => [name, guard(name, needed, Reflect.get(library as object, name))]);
  return Object.fromEntries(guarded);
}

/** @throws ArgumentError that names the first of the values that is undefined or null. */
export function checkGiven(call: string, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) throw new ArgumentError(`${call}: ${name} is missing`);
    if (value === null) throw new ArgumentError(`${call}: ${name} is null`);
  }
}

type Names = readonly (string | undefined)[];
type Callable = (...args: unknown[]) => unknown;

function guard(name: string, needed: Names, inner: Callable): Callable {
  const isAsync = Object.prototype.toString.call(inner) === '[object AsyncFunction]';
  return new Proxy(inner, {
    apply(target, self, args: unknown[]) {
      try {
        const given = needed.flatMap((parameter, index) => (parameter === undefined ? [] : [[parameter, args[index]] as const]));
        checkGiven(`${name}(${needed.map((parameter) => parameter ?? '…').join(', ')})`, Object.fromEntries(given));
      } catch (error) {
        if (isAsync) return Promise.reject(error);
        throw error;
      }
      return Reflect.apply(target, self, args);
    },
  });
}
