/** Methods of Python's texts for chat templates. */
import { type Given, isText, own, taken } from './given';
import { capitalized, LINE_ENDS, stripped, titled, words } from './pythonStrings';
import { pythonText } from './pythonText';

/** What a method makes; undefined where the library's own does it. */
type MethodOf = (text: string, given: Given) => unknown;

export const METHODS: ReadonlyMap<string, MethodOf> = own<MethodOf>({
  capitalize: capitalized,
  count: (text, given) => {
    const part = onlyText('count', given, 'sub');
    return part === '' ? Array.from(text).length + 1 : text.split(part).length - 1;
  },
  endswith: onlyOne,
  find: (text, given) => placeOf(text, text.indexOf(onlyText('find', given, 'sub'))),
  index: (text, given) => {
    const place = text.indexOf(onlyText('index', given, 'sub'));
    if (place < 0) throw new Error('it asks for the index of what a text does not contain');
    return placeOf(text, place);
  },
  isalnum: (text) => /^[\p{L}\p{N}]+$/u.test(text),
  isalpha: (text) => /^\p{L}+$/u.test(text),
  isdigit: (text) => /^[\p{Nd}²³¹⁰⁴-⁹₀-₉]+$/u.test(text),
  islower: (text) => text === text.toLowerCase() && text !== text.toUpperCase(),
  isspace: (text) => text !== '' && stripped(text, 'strip') === '',
  isupper: (text) => text === text.toUpperCase() && text !== text.toLowerCase(),
  lower: (text) => text.toLowerCase(),
  lstrip: (text, given) => stripped(text, 'lstrip', characters('strip', given)),
  partition: (text, given) => {
    const separator = onlyText('partition', given, 'sep');
    const place = separatorIn(text, text.indexOf(separator), separator);
    return place < 0 ? [text, '', ''] : [text.slice(0, place), separator, text.slice(place + separator.length)];
  },
  removeprefix: (text, given) => {
    const prefix = onlyText('removeprefix', given, 'prefix');
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  },
  removesuffix: (text, given) => {
    const suffix = onlyText('removesuffix', given, 'suffix');
    return text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text;
  },
  rfind: (text, given) => placeOf(text, text.lastIndexOf(onlyText('rfind', given, 'sub'))),
  rpartition: (text, given) => {
    const separator = onlyText('rpartition', given, 'sep');
    const place = separatorIn(text, text.lastIndexOf(separator), separator);
    return place < 0 ? ['', '', text] : [text.slice(0, place), separator, text.slice(place + separator.length)];
  },
  rsplit: (text, given) => {
    const [sep, maxsplit] = taken('rsplit', given, ['sep', 'maxsplit']);
    if (!isText(sep) || sep.value === '') throw new Error('it splits a text from its right by no text, which is not known here');
    const parts = text.split(sep.value);
    const most = maxsplit === undefined ? -1 : Number(maxsplit.value);
    const left = most < 0 ? 1 : Math.max(1, parts.length - most);
    return [parts.slice(0, left).join(sep.value), ...parts.slice(left)];
  },
  rstrip: (text, given) => stripped(text, 'rstrip', characters('strip', given)),
  split: (text, given) => {
    const [separator, most] = taken('split', given, ['sep', 'maxsplit']);
    if (isText(separator) && given.names.size === 0) return undefined;
    const limit = most === undefined ? -1 : Number(most.value);
    if (separator && !isText(separator) && separator.type !== 'NullValue') throw new Error('it splits a text by what is no text');
    if (!isText(separator)) return words(text, limit);
    const parts = text.split(separator.value);
    return limit < 0 || parts.length <= limit ? parts : [...parts.slice(0, limit), parts.slice(limit).join(separator.value)];
  },
  splitlines: (text, given) => {
    const [keepends] = taken('splitlines', given, ['keepends']);
    const lines = text.split(LINE_ENDS);
    if (lines.at(-1) === '') lines.pop();
    if (!keepends?.value) return lines;
    const ends = text.match(LINE_ENDS) ?? [];
    return lines.map((line, index) => line + (ends[index] ?? ''));
  },
  startswith: onlyOne,
  strip: (text, given) => stripped(text, 'strip', characters('strip', given)),
  title: titled,
  upper: (text) => text.toUpperCase(),
});

/** What `strip` and the like take off; undefined for blanks. @throws Error for what is no text. */
export function characters(method: string, given: Given): string | undefined {
  const [sought] = taken(method, given, ['chars']);
  if (sought && !isText(sought) && sought.type !== 'NullValue') throw new Error('it strips a text of what is no text');
  return isText(sought) ? sought.value : undefined;
}

/** The library ignores where to begin. */
function onlyOne(_: string, { places, names }: Given): undefined {
  if (places[0]?.type === 'ArrayValue') throw new Error('it asks for what a text begins or ends with by a list, not a tuple');
  if (places.length + names.size > 1)
    throw new Error('it asks for what a text begins or ends with from a place on, which is not known here');
}

/** The one argument. @throws Error for another number of them, and for what is no text. */
function onlyText(method: string, given: Given, name: string): string {
  const [value] = given.names.size > 0 ? [undefined] : taken(method, given, [name]);
  if (isText(value)) return value.value;
  throw new Error(`it calls ${method} with ${value ? pythonText(value).slice(0, 80) : 'no text alone'}, which is not known here`);
}

/** In characters, as Python counts; −1 for none. */
const placeOf = (text: string, at: number): number => (at < 0 ? -1 : Array.from(text.slice(0, at)).length);

function separatorIn(_: string, place: number, separator: string): number {
  if (separator === '') throw new Error('it parts a text by an empty one');
  return place;
}
