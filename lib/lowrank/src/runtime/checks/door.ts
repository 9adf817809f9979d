/** A check at a package's entry: JavaScript, and a notebook's cell run too early, call functions with nothing, or with something else. */
import { tf } from '../device/tensorflow';
import { ArgumentError } from '../errors';
import { shown } from '../messages/shown';

/** What a value may be, in words, and how to tell. Also `{a, b}`, an object that has these members. */
const KINDS = {
  anything: ['anything', () => true],
  text: ['a text', (value: unknown) => typeof value === 'string'],
  number: ['a number', (value: unknown) => typeof value === 'number'],
  function: ['a function', (value: unknown) => typeof value === 'function'],
  tensor: ['a tensor', (value: unknown) => value instanceof tf.Tensor],
  list: ['a list', (value: unknown) => Array.isArray(value) || ArrayBuffer.isView(value)],
  items: ['a list or a generator', isIterable],
  object: ['an object with fields', (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)],
} as const satisfies Record<string, readonly [string, (value: unknown) => boolean]>;

type OneKind = keyof typeof KINDS | `{${string}}`;
/** One kind, or two. */
export type Kind = OneKind | `${OneKind} | ${OneKind}`;

/** One name and kind for each parameter that a caller has to give; undefined for one that may be undefined. */
type Needed<A extends readonly unknown[]> = A extends [infer First, ...infer Rest]
  ? [undefined extends First ? undefined : `${string}: ${Kind}`, ...Needed<Rest>]
  : [];

type NeededBy<F> = F extends (...args: infer A) => unknown ? Needed<A> : [];

/** The needed parameters of every function that has any; the compiler finds a function that is missing. */
export type Door<P extends object> = { readonly [K in keyof P as NeededBy<P[K]> extends [] ? never : K]: NeededBy<P[K]> };

/** The same functions, with an ArgumentError in place of a TypeError from their inside where an argument is missing or of another kind. */
export function behindDoor<P extends object>(library: P, door: Door<P>): Pick<P, keyof Door<P> & keyof P> {
  const guarded = Object.entries<Parameters>(door).map(([name, needed]) => [
    name,
    guard(name, needed, Reflect.get(library as object, name)),
  ]);
  return Object.fromEntries(guarded);
}

/** @throws ArgumentError that names the first of the values that is undefined or null, or of another kind than the one given for it. */
export function checkGiven(call: string, values: Readonly<Record<string, unknown>>, kinds: Readonly<Record<string, Kind>> = {}): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) throw new ArgumentError(`${call}: ${name} is missing`);
    if (value === null) throw new ArgumentError(`${call}: ${name} is null`);
    const kind: string = kinds[name] ?? 'anything';
    const each = kind.startsWith('{') ? [kind] : kind.split(' | ');
    if (each.some((one) => isOfKind(value, one))) continue;
    throw new ArgumentError(`${call}: ${name} is ${describe(value)}, not ${each.map(inWords).join(' or ')}`);
  }
}

type Parameters = readonly (string | undefined)[];
type Callable = (...args: unknown[]) => unknown;

function guard(name: string, needed: Parameters, inner: Callable): Callable {
  const isAsync = Object.prototype.toString.call(inner) === '[object AsyncFunction]';
  const parameters = needed.map((parameter) => parameter?.split(/: (.*)/s) ?? []);
  const call = `${name}(${parameters.map(([parameter]) => parameter ?? '…').join(', ')})`;
  const kinds = Object.fromEntries(parameters.flatMap(([parameter, kind]) => (parameter === undefined ? [] : [[parameter, kind]])));
  return new Proxy(inner, {
    apply(target, self, args: unknown[]) {
      try {
        const given = parameters.flatMap(([parameter], index) => (parameter === undefined ? [] : [[parameter, args[index]] as const]));
        checkGiven(call, Object.fromEntries(given), kinds as Record<string, Kind>);
        const last = args.indexOf(null, needed.length);
        if (last >= 0) throw new ArgumentError(`${call}: argument ${last + 1} is null; leave it out`);
      } catch (error) {
        if (isAsync) return Promise.reject(error);
        throw error;
      }
      return Reflect.apply(target, self, args);
    },
  });
}

function isOfKind(value: unknown, kind: string): boolean {
  if (!kind.startsWith('{')) return KINDS[kind as keyof typeof KINDS][1](value);
  const object: unknown = typeof value === 'function' ? value : typeof value === 'object' && value;
  return Boolean(object) && membersOf(kind).every((member) => member in (object as object));
}

function inWords(kind: string): string {
  return kind.startsWith('{') ? `an object with ${membersOf(kind).join(' and ')}` : KINDS[kind as keyof typeof KINDS][0];
}

function membersOf(kind: string): string[] {
  return kind.slice(1, -1).split(', ');
}

function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return shown(value);
  const name = Array.isArray(value) ? 'list' : value.constructor?.name;
  return name === undefined || name === 'Object' ? 'an object' : `a ${name}`;
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}
