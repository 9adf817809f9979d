/** Writes values of a chat template like Python's `json.dumps`, as the filter `tojson` does in transformers. */

import { refuseSeries } from '../series';
import type { Value } from '../value';
import { checkDepth, numberText } from './text';

export interface JsonOptions {
  /** Every character beyond ASCII as `\uXXXX`; false by default, as in transformers. */
  readonly ensureAscii?: boolean;
  /** A number of blanks, or a text, before each level of the nesting; none for one line. */
  readonly indent?: number | string;
  /** Between entries, and after a key. */
  readonly separators?: readonly [string, string];
  readonly sortKeys?: boolean;
}

/** @throws Error for a value that JSON lacks: an undefined one, a namespace, or a function. */
export function pythonJson(value: Value, options: JsonOptions = {}): string {
  return written(value, options, 0);
}

function written(of: Value, options: JsonOptions, depth: number): string {
  const { type, value } = of;
  refuseSeries(of);
  checkDepth(depth);
  if (type === 'NullValue') return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return NOT_FINITE[String(value)] ?? numberText(type, value);
  if (typeof value === 'string') return quoted(value, options);
  if (Array.isArray(value)) {
    const items = value.map((item: Value) => written(item, options, depth + 1));
    return enclosed('[]', items, options, depth);
  }
  if (value instanceof Map && type === 'ObjectValue') {
    const entries = Array.from(value as Map<string, Value>);
    if (options.sortKeys) entries.sort(([a], [b]) => byCodePoints(a, b));
    const colon = options.separators?.[1] ?? ': ';
    const items = entries.map(([key, item]) => `${quoted(key, options)}${colon}${written(item, options, depth + 1)}`);
    return enclosed('{}', items, options, depth);
  }
  throw new Error(`it writes a value as JSON that JSON has not (${type === 'UndefinedValue' ? 'it is undefined' : type})`);
}

const NOT_FINITE: Readonly<Record<string, string>> = { NaN: 'NaN', Infinity: 'Infinity', '-Infinity': '-Infinity' };

function enclosed(brackets: string, items: readonly string[], { indent, separators }: JsonOptions, depth: number): string {
  const [opening, closing] = brackets;
  if (items.length === 0) return brackets;
  if (indent === undefined) return `${opening}${items.join(separators?.[0] ?? ', ')}${closing}`;
  const step = typeof indent === 'number' ? ' '.repeat(Math.max(0, indent)) : indent;
  const line = (level: number) => `\n${step.repeat(level)}`;
  const comma = `${separators?.[0] ?? ','}${line(depth + 1)}`;
  return `${opening}${line(depth + 1)}${items.join(comma)}${line(depth)}${closing}`;
}

const SHORT: Readonly<Record<string, string>> = {
  ...{ '"': '\\"', '\\': '\\\\', '\n': '\\n' },
  ...{ '\r': '\\r', '\t': '\\t', '\f': '\\f', '\b': '\\b' },
};

function quoted(text: string, { ensureAscii }: JsonOptions): string {
  return `"${text.replace(/["\\]|[^ -~]/g, (unit) => {
    const isWritten = unit > '~' && !ensureAscii;
    return isWritten ? unit : (SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  })}"`;
}

/** Compares texts by characters, as Python does; JavaScript compares halves of surrogate pairs. */
export function byCodePoints(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  const at = left.findIndex((character, index) => character !== right[index]);
  if (at === -1) return left.length - right.length;
  return (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? -1);
}
