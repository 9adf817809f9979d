/** Python's methods of texts whose JavaScript namesakes behave differently. */

/** The blanks of `str.isspace`: they include the separators of files and records, but not the byte order mark. */
export const BLANKS = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const BLANK = new RegExp(`[${BLANKS}]`);
const WORD = new RegExp(`[^${BLANKS}]+`, 'g');

const LINE_END = '\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029';

/** The line ends of `str.splitlines`. */
export const LINE_ENDS = new RegExp(`\\r\\n|[${LINE_END}]`, 'g');

/** `strip`, `lstrip` or `rstrip`, of blanks or of the given characters. */
export function stripped(text: string, sides: 'strip' | 'lstrip' | 'rstrip', characters?: string): string {
  const units = Array.from(text);
  const isStripped = (unit: string) => (characters === undefined ? BLANK.test(unit) : characters.includes(unit));
  const first = sides === 'rstrip' ? 0 : units.findIndex((unit) => !isStripped(unit));
  const last = sides === 'lstrip' ? units.length - 1 : units.findLastIndex((unit) => !isStripped(unit));
  return first === -1 ? '' : units.slice(first, last + 1).join('');
}

/** `split()`: the words, and the rest after `most` of them. */
export function words(text: string, most: number): string[] {
  const found: string[] = [];
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (most >= 0 && found.length === most) return [...found, stripped(text.slice(index), 'lstrip')];
    found.push(word);
  }
  return found;
}

/** @throws Error for a letter whose form at the beginning of a word is not its capital: JavaScript lacks these forms. */
export function capitalized(text: string): string {
  const [first = ''] = text;
  const capital = first.toUpperCase();
  if (capital.length > first.length || /[\u01c4-\u01cc\u01f1-\u01f3\u10d0-\u10ff]/.test(first))
    throw new Error(`it writes ${first} as a capital letter`);
  return capital + text.toLowerCase().slice(first.toLowerCase().length); // of the whole, for a sigma at its end has a form of its own
}

/** `str.islower`: some letter has this case, and none another. */
export const isLower = (text: string): boolean => /\p{Lowercase}/u.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text);

/** `str.isupper`. */
export const isUpper = (text: string): boolean => /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text);

/** `str.title`: a word is a run of letters. @throws Error for a sigma whose form depends on the next word. */
export function titled(text: string): string {
  if (/Σ\p{Case_Ignorable}+\p{Cased}/u.test(text)) throw new Error('it writes a title with Σ between words');
  return text.replace(/\p{Cased}+/gu, capitalized);
}

/** Jinja's filter `title`: words are separated by blanks, dashes and opening brackets. */
export function titledByJinja(text: string): string {
  return text
    .split(new RegExp(`([-${BLANKS}({[<]+)`))
    .map(([first = '', ...rest]) => first.toUpperCase() + rest.join('').toLowerCase())
    .join('');
}

/** Jinja's filter `indent`, after which every line ends with a line feed. */
export function indented(text: string, indent: string, { first, blank }: { readonly first: boolean; readonly blank: boolean }): string {
  const [head = '', ...rest] = text.split(LINE_ENDS);
  return [first ? indent + head : head, ...rest.map((line) => (line === '' && !blank ? line : indent + line))].join('\n');
}

/** `int(text)`, or else `int(float(text))`, as Jinja's filter `int` reads a text. */
export function readWhole(text: string): number | undefined {
  refuseForeignDigits(text);
  const value = /^[+-]?\d+(_\d+)*$/.test(stripped(text, 'strip')) ? Number(stripped(text, 'strip').replaceAll('_', '')) : readFloat(text);
  return value === undefined || !Number.isFinite(value) ? undefined : Math.trunc(value);
}

/** `float(text)`. */
export function readFloat(text: string): number | undefined {
  refuseForeignDigits(text);
  const [, sign = '', number = ''] = /^([+-]?)(.*)$/s.exec(stripped(text, 'strip').toLowerCase()) ?? [];
  const unsigned = /^inf(inity)?$/.test(number) ? Infinity : number === 'nan' ? Number.NaN : decimal(number);
  return unsigned === undefined ? undefined : sign === '-' ? -unsigned : unsigned;
}

/** Python reads the digits of every script. @throws Error for those that are not 0 to 9. */
function refuseForeignDigits(text: string): void {
  if (/(?![0-9])\p{Nd}/u.test(text)) throw new Error('it reads a number in digits that are not 0 to 9');
}

function decimal(text: string): number | undefined {
  const digits = '\\d+(?:_\\d+)*';
  const isNumber = new RegExp(`^(?:${digits}\\.?(?:${digits})?|\\.${digits})(?:e[+-]?${digits})?$`).test(text);
  return isNumber ? Number(text.replaceAll('_', '')) : undefined;
}
