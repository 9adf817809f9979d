/** Methods of Python's texts for chat templates. */

import type { Value } from '../value';
import { isText, own, type Taken, wholeOf } from './callArguments';
import { capitalized, isLower, isUpper, LINE_ENDS, stripped, titled, words } from './strings';
import { pythonText } from './text';

/** The result of a method; undefined where the library's own computes it. */
type MethodOf = (text: string, given: Taken) => unknown;

export const METHODS: ReadonlyMap<string, MethodOf> = own<MethodOf>({
  capitalize: capitalized,
  count: (text, given) => {
    const part = onlyText('count', given);
    return part === '' ? Array.from(text).length + 1 : text.split(part).length - 1;
  },
  endswith: onlyOne,
  find: (text, given) => placeOf(text, text.indexOf(onlyText('find', given))),
  index: (text, given) => {
    const place = text.indexOf(onlyText('index', given));
    if (place < 0) throw new Error('it asks for the index of what a text does not contain');
    return placeOf(text, place);
  },
  isalnum: (text) => /^[\p{L}\p{N}]+$/u.test(text),
  isalpha: (text) => /^\p{L}+$/u.test(text),
  isdigit: (text) => {
    if (/^[\p{Nd}\p{No}]+$/u.test(text) && /(?![²³¹⁰⁴-⁹₀-₉])\p{No}/u.test(text)) throw new Error(`it asks whether ${text} is in digits`);
    return /^[\p{Nd}²³¹⁰⁴-⁹₀-₉]+$/u.test(text);
  },
  islower: isLower,
  isspace: (text) => text !== '' && stripped(text, 'strip') === '',
  isupper: isUpper,
  lower: (text) => text.toLowerCase(),
  lstrip: (text, given) => stripped(text, 'lstrip', characters(given)),
  partition: (text, given) => {
    const separator = separatorOf('partition', given);
    const place = text.indexOf(separator);
    return place < 0 ? [text, '', ''] : [text.slice(0, place), separator, text.slice(place + separator.length)];
  },
  removeprefix: (text, given) => {
    const prefix = onlyText('removeprefix', given);
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  },
  removesuffix: (text, given) => {
    const suffix = onlyText('removesuffix', given);
    return text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text;
  },
  rfind: (text, given) => placeOf(text, text.lastIndexOf(onlyText('rfind', given))),
  rpartition: (text, given) => {
    const separator = separatorOf('rpartition', given);
    const place = text.lastIndexOf(separator);
    return place < 0 ? ['', '', text] : [text.slice(0, place), separator, text.slice(place + separator.length)];
  },
  rsplit: (text, [sep, maxsplit]) => {
    if (!isText(sep) || sep.value === '') throw new Error('it splits a text from its right by no text, which is not known here');
    const parts = text.split(sep.value);
    const most = mostSplits(maxsplit);
    const left = most < 0 ? 1 : Math.max(1, parts.length - most);
    return [parts.slice(0, left).join(sep.value), ...parts.slice(left)];
  },
  rstrip: (text, given) => stripped(text, 'rstrip', characters(given)),
  split: (text, [separator, most]) => {
    const limit = mostSplits(most);
    if (separator && (isText(separator) ? separator.value === '' : separator.type !== 'NullValue'))
      throw new Error('it splits a text by an empty one, or by what is no text');
    if (!isText(separator)) return words(text, limit);
    const parts = text.split(separator.value);
    return limit < 0 || parts.length <= limit ? parts : [...parts.slice(0, limit), parts.slice(limit).join(separator.value)];
  },
  splitlines: (text, [keepends]) => {
    const lines = text.split(LINE_ENDS);
    if (lines.at(-1) === '') lines.pop();
    if (!keepends || wholeOf(keepends, 'keeps the ends of lines') === 0) return lines;
    const ends = text.match(LINE_ENDS) ?? [];
    return lines.map((line, index) => line + (ends[index] ?? ''));
  },
  startswith: onlyOne,
  strip: (text, given) => stripped(text, 'strip', characters(given)),
  title: titled,
  upper: (text) => text.toUpperCase(),
});

/** The characters that `strip` and its like remove; undefined for blanks. @throws Error for a value that is no text. */
export function characters([sought]: Taken): string | undefined {
  if (sought && !isText(sought) && sought.type !== 'NullValue') throw new Error('it strips a text of what is no text');
  return isText(sought) ? sought.value : undefined;
}

/** @throws Error for a list: Python takes a text or a tuple. */
function onlyOne(_: string, [sought]: Taken): undefined {
  if (sought?.type === 'ArrayValue') throw new Error('it asks for what a text begins or ends with by a list, not a tuple');
}

/** @throws Error for a value that is no text. */
function onlyText(method: string, [value]: Taken): string {
  if (isText(value)) return value.value;
  throw new Error(`it calls ${method} with ${value ? pythonText(value).slice(0, 80) : 'nothing'}, which is not known here`);
}

const mostSplits = (most: Value | undefined): number => (most ? wholeOf(most, 'limits the parts of a text') : -1);

/** In characters, as Python counts; −1 for none. */
const placeOf = (text: string, at: number): number => (at < 0 ? -1 : Array.from(text.slice(0, at)).length);

function separatorOf(method: string, given: Taken): string {
  const separator = onlyText(method, given);
  if (separator === '') throw new Error('it parts a text by an empty one');
  return separator;
}
