/** Takes the tensors out of a function's arguments and results, and puts others in their place. */
import { createHash } from 'node:crypto';
import { tf } from '../device/tensorflow';
import { ArgumentError, StateError, UnsupportedError } from '../errors';

/** Something whose parameters have paths, such as a Module of nn/. */
interface ParameterTree {
  namedParameters(): Iterable<readonly [string, tf.Variable]>;
  /** Objects that it uses, does not own, and holds in private: the table of a tied output layer. */
  borrowedParts?(): Iterable<unknown>;
  /** The names of the fields that decide a forward pass. @defaultValue all its enumerable fields */
  compiledFields?(): Iterable<readonly [string, unknown]>;
}

/** The parts of a call: the tensors to feed, the parameters of the trees among the arguments, and a key of all the rest. */
export interface Arguments {
  readonly tensors: readonly tf.Tensor[];
  readonly parameters: readonly tf.Tensor[];
  /** Equal for two calls that one traced function can serve. */
  readonly key: string;
}

/** Numbers in arrays are part of the program; more of them than this are data and belong in a tensor. */
const MAX_STATIC_NUMBERS = 64;

/** What was read so far of a call. */
class Reading {
  readonly tensors: tf.Tensor[] = [];
  readonly parameters: tf.Tensor[] = [];
  /** The objects in trees, of all arguments together: which parameters two arguments share is part of the program. */
  readonly seen = new Map<object, number>();
  /** The arrays and plain objects around the present value. */
  readonly around = new Set<object>();
}

/** Separates arguments. A Variable among them counts as a tensor; a Variable in a ParameterTree as a parameter of the tree. */
export function readArguments(args: readonly unknown[], name: string): Arguments {
  const reading = new Reading();
  const key = args.map((arg, index) => describe(arg, reading, `argument ${index} of '${name}'`)).join(',');
  return { tensors: reading.tensors, parameters: reading.parameters, key };
}

/** The same arguments with other tensors in their places. */
export function replaceTensors(args: readonly unknown[], tensors: readonly tf.Tensor[]): unknown[] {
  const next = tensors[Symbol.iterator]();
  return args.map((arg) => mapLeaves(arg, (leaf) => (leaf instanceof tf.Tensor ? next.next().value : leaf)));
}

/** A copy of arrays and plain objects with everything else mapped, in the order of reading. */
export function mapLeaves(value: unknown, map: (leaf: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapLeaves(item, map));
  if (isPlainObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapLeaves(item, map)]));
  return map(value);
}

function describe(value: unknown, reading: Reading, place: string): string {
  if (value instanceof tf.Tensor) {
    if (value.isDisposed) throw new StateError(`${place} is a disposed tensor`);
    if (!isCompilable(value)) throw new UnsupportedError(`${place} is a tensor of dtype ${value.dtype}: compiled functions take numbers`);
    reading.tensors.push(value);
    return `${value.dtype}[${value.shape}]`;
  }
  if (Array.isArray(value) || isPlainObject(value)) {
    if (reading.around.has(value)) throw new ArgumentError(`${place} holds itself: a compiled function reads arguments to their end`);
    reading.around.add(value);
    const text = Array.isArray(value) ? describeArray(value, reading, place) : describeFields(value, reading, place);
    reading.around.delete(value);
    return text;
  }
  const content = describeTree(value, reading);
  if (isParameterTree(value)) return content;
  return typeof value === 'object' && value !== null && plainContent(value) === undefined ? `${identity(value)}${content}` : content;
}

function describeArray(value: readonly unknown[], reading: Reading, place: string): string {
  if (value.length > MAX_STATIC_NUMBERS && typeof value[0] === 'number') {
    throw new ArgumentError(`${place} is an array of ${value.length} numbers: other numbers would be compiled again; pass a tensor`);
  }
  return `[${value.map((item, index) => describe(item, reading, `${place}[${index}]`)).join(',')}]`;
}

function describeFields(value: Record<string, unknown>, reading: Reading, place: string): string {
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw new ArgumentError(`${place} has a property whose key is a symbol: a compiled function reads text keys alone`);
  }
  return `{${Object.entries(value).map(([key, item]) => `${quoted(key)}:${describe(item, reading, `${place}.${key}`)}`)}}`;
}

/** Whether a tensor is inside an object that `mapLeaves` leaves as it is. */
export function holdsTensor(leaf: unknown): boolean {
  const reading = new Reading();
  describeTree(leaf, reading);
  return reading.parameters.length > 0;
}

/** Whether a graph knows the type; it would take texts and complex numbers for something else. */
export function isCompilable({ dtype }: Pick<tf.Tensor, 'dtype'>): boolean {
  return dtype !== 'string' && dtype !== 'complex64';
}

/** Texts are quoted: the keys of two calls never coincide. */
function describePrimitive(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return `${typeof value} ${typeof value === 'symbol' ? JSON.stringify(Symbol.keyFor(value)) : Object.is(value, -0) ? '-0' : String(value)}`;
}

/** A property's name; quoted, too, if it is more than a word. */
function quoted(name: string): string {
  return /^\w+$/.test(name) ? name : JSON.stringify(name);
}

/**
 * The structure of a tree: its classes, the fields that count, and the shapes of its parameters, but not the parameters' values. Two trees
 * with one structure run the same program. An object lists the fields that count in `compiledFields`; without the list, all enumerable
 * fields count, because ignoring a field that matters would make results wrong.
 */
function describeTree(value: unknown, reading: Reading): string {
  if (typeof value === 'function' || (typeof value === 'symbol' && Symbol.keyFor(value) === undefined)) return identity(value);
  if (typeof value !== 'object' || value === null) return describePrimitive(value);
  const plain = plainContent(value);
  if (plain !== undefined) return plain;
  const { parameters, seen } = reading;
  const earlier = seen.get(value);
  if (earlier !== undefined) return `#${earlier}`;
  seen.set(value, seen.size);
  if (value instanceof tf.Tensor) {
    parameters.push(value);
    if (value instanceof tf.Variable) return `${value.trainable ? 'trainable' : 'frozen'} ${value.dtype}[${value.shape}]`;
    // A gradient's saved copy tells by its data of what it is, so copies of one tensor are a program of their own.
    const first = seen.get(value.dataId);
    seen.set(value.dataId, first ?? seen.size);
    return `fixed ${value.dtype}[${value.shape}]${first === undefined ? '' : ` with the data of #${first}`}`;
  }
  if (value instanceof Map || value instanceof Set) return `${className(value)}(${[...value].map((item) => describeTree(item, reading))})`;
  const parts: string[] = [];
  for (const [name, field] of fieldsOf(value)) parts.push(`${quoted(name)}:${describeTree(field, reading)}`);
  for (const name of Object.getOwnPropertySymbols(value))
    parts.push(`${describeTree(name, reading)}:${describeTree(Reflect.get(value, name), reading)}`);
  if (isParameterTree(value)) for (const part of value.borrowedParts?.() ?? []) parts.push(describeTree(part, reading));
  return `${className(value)}{${parts}}`;
}

/** The content of an object without fields that is told apart by its value: numbers in memory, a date, an expression. */
function plainContent(value: object): string | undefined {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return `${className(value)}(${createHash('sha256').update(bytes).digest('base64')})`;
  }
  return value instanceof Date || value instanceof RegExp
    ? `${className(value)}(${describePrimitive(`${value} ${value.valueOf()}`)})`
    : undefined;
}

function fieldsOf(value: object): Iterable<readonly [string, unknown]> {
  const own = (value as Partial<ParameterTree>).compiledFields;
  return typeof own === 'function' ? own.call(value) : Object.entries(value);
}

const identities = new WeakMap<WeakKey, number>();
let lastIdentity = 0;

/** Objects that may hold what no one sees from outside are told apart by identity too. */
function identity(value: WeakKey): string {
  const known = identities.get(value) ?? ++lastIdentity;
  identities.set(value, known);
  return `@${known}`;
}

function className(value: object): string {
  const { constructor: own } = value;
  return typeof own === 'function' && own !== Object ? identity(own) : '';
}

export function isParameterTree(value: unknown): value is ParameterTree {
  return typeof value === 'object' && value !== null && typeof (value as Partial<ParameterTree>).namedParameters === 'function';
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
