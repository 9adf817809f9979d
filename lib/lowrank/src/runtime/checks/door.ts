/** A check at a package's entry: JavaScript, and a notebook's cell run too early, call functions with nothing, or with something else. */
import { tf } from '../device/tensorflow';
import { ArgumentError } from '../errors';
import { shown } from '../messages/shown';

/** The kinds of values: the words for one and for several, and the test. */
const KINDS = {
  anything: ['anything', 'anything', () => true],
  text: ['a text', 'texts', (value: unknown) => typeof value === 'string'],
  number: ['a number', 'numbers', (value: unknown) => typeof value === 'number'],
  switch: ['true or false', 'true or false', (value: unknown) => typeof value === 'boolean'],
  function: ['a function', 'functions', (value: unknown) => typeof value === 'function'],
  tensor: ['a tensor', 'tensors', isTensor],
  list: ['a list', 'lists', isList],
  items: ['a list or a generator', 'lists or generators', isIterable],
  generator: ['a generator', 'generators', (value: unknown) => isIterable(value) && !isList(value)],
  object: ['an object with fields', 'objects with fields', isObject],
  tensors: ['an object of tensors', 'objects of tensors', isObject],
  bytes: ['an array of bytes', 'arrays of bytes', (value: unknown) => Object.prototype.toString.call(value) === '[object Uint8Array]'],
} as const satisfies Record<string, readonly [string, string, (value: unknown) => boolean]>;

type Atom = keyof typeof KINDS | `=${string}` | `{${string}}`;
type OneKind = Atom | `${Atom}[]`;
/**
 * One kind, or two: a name of {@link KINDS}; `=a,b`, one of these texts; `{a, b?: number}`, an object that has the member a and may have a number as
 * b, with `b??` also null; and with `[]`, a list of them. A list of numbers may be an array of bytes.
 */
export type Kind = OneKind | `${OneKind} | ${OneKind}`;

type Optional = `${string}?: ${Kind}`;

/** One name and kind for each parameter that a caller has to give; undefined for one that may be undefined. Optional ones may follow. */
type Needed<A extends readonly unknown[]> = A extends [infer First, ...infer Rest]
  ? [undefined extends First ? undefined : `${string}: ${Kind}`, ...Needed<Rest>]
  : readonly Optional[];

type NeededBy<F> = F extends (...args: infer A) => unknown ? Needed<A> : readonly Optional[];

/** The needed parameters of every function that has any; the compiler finds a function that is missing. */
type Door<P extends object> = { readonly [K in keyof P as NeededBy<P[K]> extends readonly Optional[] ? never : K]: NeededBy<P[K]> };

/** The same functions, with an ArgumentError in place of a TypeError from their inside where an argument is missing or of another kind. */
export function behindDoor<P extends object>(library: P, door: Door<P>): Pick<P, keyof Door<P> & keyof P> {
  const guarded = Object.entries<Parameters>(door).map(([name, needed]) => [
    name,
    guard(name, needed, Reflect.get(library as object, name)),
  ]);
  return Object.fromEntries(guarded);
}

/**
 * Puts the same check before methods of a class, or before its static ones where the class itself is given.
 *
 * @param name - the class in messages
 */
export function guardMethods<C extends object>(
  name: string,
  owner: C,
  door: { readonly [K in keyof C]?: readonly (`${string}: ${Kind}` | Optional | undefined)[] },
): void {
  for (const [method, parameters] of Object.entries<Parameters | undefined>(door)) {
    const inner = Reflect.get(owner, method) as Callable;
    const value = guard(`${name}.${method}`, parameters ?? [], inner);
    Object.defineProperty(owner, method, { value, configurable: true, writable: true });
  }
}

/** @throws ArgumentError that names the first of the values that is undefined or null, or of another kind than the one given for it. */
export function checkGiven(call: string, values: Readonly<Record<string, unknown>>, kinds: Readonly<Record<string, Kind>> = {}): void {
  for (const [name, value] of Object.entries(values)) refuseFault(call, name, checkOf(kinds[name] ?? 'anything')(value));
}

type Parameters = readonly (string | undefined)[];
type Callable = (...args: unknown[]) => unknown;

function guard(name: string, declared: Parameters, inner: Callable): Callable {
  const isAsync = Object.prototype.toString.call(inner) === '[object AsyncFunction]';
  const parameters = declared.map((parameter) => {
    const [, label, mark, kind] = /^(\w+)(\??): (.*)$/s.exec(parameter ?? '') ?? [];
    return { label, isOptional: mark === '?', find: checkOf(kind ?? 'anything') };
  });
  const shownNames = parameters.filter(({ isOptional }) => !isOptional).map(({ label }) => label ?? '…');
  const call = `${name}(${shownNames.join(', ')})`;
  const check = (args: readonly unknown[]) => {
    for (let index = 0; index < parameters.length; index++) {
      const { label, isOptional = true, find } = parameters[index] ?? {};
      const value = args[index];
      if (label === undefined || (isOptional && (value === undefined || value === null))) continue;
      refuseFault(call, label, find?.(value));
    }
    const last = args.indexOf(null, shownNames.length);
    if (last >= 0) throw new ArgumentError(`${call}: argument ${last + 1} is null; leave it out`);
  };
  return new Proxy(inner, {
    apply(target, self, args: unknown[]) {
      try {
        check(args);
      } catch (error) {
        if (isAsync) return Promise.reject(error);
        throw error;
      }
      return Reflect.apply(target, self, args);
    },
  });
}

function refuseFault(call: string, name: string, fault: Fault | undefined): void {
  if (fault) throw new ArgumentError(`${call}: ${name}${fault.place} ${fault.text}`);
}

/** What is wrong with a value, and at which place inside it. */
interface Fault {
  readonly place: string;
  readonly text: string;
}

type Check = (value: unknown) => Fault | undefined;

const MISSING: Fault = { place: '', text: 'is missing' };
const NULL: Fault = { place: '', text: 'is null' };
const OTHER: Fault = { place: '', text: '' };

const known = new Map<string, Check>();

/** Each kind is read once, because methods are called at every step. */
function checkOf(kind: string): Check {
  const found = known.get(kind);
  if (found) return found;
  const kinds = parts(kind, ' | ');
  const checks = kinds.map(checkOfOne);
  const check: Check = (value) => {
    if (value === undefined) return MISSING;
    if (value === null) return NULL;
    let inside: Fault | undefined;
    for (const one of checks) {
      const fault = one(value);
      if (fault === undefined) return undefined;
      if (fault !== OTHER) inside ??= fault;
    }
    return inside ?? { place: '', text: `is ${describe(value)}, not ${kinds.map((one) => inWords(one, 0)).join(' or ')}` };
  };
  known.set(kind, check);
  return check;
}

/** The check returns OTHER when the value itself has another kind. */
function checkOfOne(kind: string): Check {
  if (kind.endsWith('[]')) {
    const item = checkOf(kind.slice(0, -2));
    return (value) => {
      if (!isList(value)) return OTHER;
      if (ArrayBuffer.isView(value)) return kind === 'number[]' ? undefined : OTHER;
      for (let index = 0; index < value.length; index++) {
        const fault = item(value[index]);
        if (fault) return within(`[${index}]`, fault);
      }
      return undefined;
    };
  }
  if (kind === 'tensors') {
    const tensor = checkOf('tensor');
    return (value) => {
      if (!isObject(value)) return OTHER;
      for (const [key, held] of Object.entries(value)) {
        const fault = tensor(held);
        if (fault) return within(`[${shown(key)}]`, fault);
      }
      return undefined;
    };
  }
  if (!kind.startsWith('{')) {
    const choices = choicesOf(kind);
    const isOfKind = kind.startsWith('=') ? (value: unknown) => choices.includes(value) : KINDS[kind as keyof typeof KINDS][2];
    return (value) => (isOfKind(value) ? undefined : OTHER);
  }
  const members = membersOf(kind).map(({ kind: inner, ...rest }) => ({ ...rest, find: inner === undefined ? undefined : checkOf(inner) }));
  return (value) => {
    if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return OTHER;
    for (const { member, isOptional } of members) if (!isOptional && !(member in value)) return OTHER;
    for (const { member, isOptional, mayBeNull, find } of members) {
      if (find === undefined) continue;
      const held = (value as Readonly<Record<string, unknown>>)[member];
      const fault = (isOptional && held === undefined) || (mayBeNull && held === null) ? undefined : find(held);
      if (fault) return within(`.${member}`, fault);
    }
    return undefined;
  };
}

function within(place: string, fault: Fault): Fault {
  return { ...fault, place: place + fault.place };
}

function inWords(kind: string, number: 0 | 1): string {
  if (kind.endsWith('[]')) return `${['a list', 'lists'][number]} of ${inWords(kind.slice(0, -2), 1)}`;
  if (kind.startsWith('=')) return choicesOf(kind).join(' or ');
  if (!kind.startsWith('{')) return KINDS[kind as keyof typeof KINDS][number];
  const needed = membersOf(kind).filter(({ isOptional }) => !isOptional);
  if (needed.length === 0) return KINDS.object[number];
  return `${['an object', 'objects'][number]} with ${needed.map(({ member }) => member).join(' and ')}`;
}

function choicesOf(kind: string): unknown[] {
  return kind.slice(1).split(',');
}

interface Member {
  readonly member: string;
  readonly isOptional: boolean;
  readonly mayBeNull: boolean;
  readonly kind: string | undefined;
}

function membersOf(kind: string): Member[] {
  return parts(kind.slice(1, -1), ', ').map((part) => {
    const [, member = '', mark, inner] = /^(\w+)(\?{0,2})(?:: (.*))?$/s.exec(part) ?? [];
    return { member, isOptional: mark !== '', mayBeNull: mark === '??', kind: inner };
  });
}

/** The parts between separators outside of braces. */
function parts(text: string, separator: string): string[] {
  if (!text.includes(separator)) return [text];
  let depth = 0;
  const found = [''];
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] ?? '';
    depth += letter === '{' ? 1 : letter === '}' ? -1 : 0;
    if (depth === 0 && text.startsWith(separator, at)) {
      found.push('');
      at += separator.length - 1;
    } else found.push((found.pop() ?? '') + letter);
  }
  return found;
}

function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return shown(value);
  const name = Array.isArray(value) ? 'list' : value.constructor?.name;
  return name === undefined || name === 'Object' ? 'an object' : `a ${name}`;
}

function isTensor(value: unknown): value is tf.Tensor {
  return value instanceof tf.Tensor;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isList(value) && !isTensor(value);
}

function isList(value: unknown): value is readonly unknown[] | ArrayBufferView {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value);
}
