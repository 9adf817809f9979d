/**
 * The source of a template, written so that the JavaScript library reads it as Jinja does. The library takes blanks before, and line ends
 * behind, what only looks like a block within a text; and it knows neither all of Python's escapes nor all of its numbers.
 */

import { BLANKS, stripped } from './python/strings';

/** The blanks and line ends of `lstrip_blocks` and `trim_blocks` are gone, and texts and numbers are in a plain form. */
export function plainSource(given: string): string {
  const source = given.replace(/\r\n?/g, '\n');
  if (/(?:^|\S)\s{1000}/.test(source)) throw new SyntaxError('it has 1000 blanks in a row'); // of which the library takes each for a start
  let written = '';
  let isLineStart = true;
  for (let at = 0; at < source.length; ) {
    const open = nextTag(source, at);
    const text = source.slice(at, open);
    if (open === source.length) return written + text;
    const kind = source.slice(open, open + 2);
    const sign = /[+-]/.exec(source.charAt(open + 2))?.[0] ?? '';
    const from = open + 2 + sign.length;
    const tag = kind === '{#' ? comment(source, from) : code(source, from, kind === '{%' ? '%}' : '}}');
    const isRaw = kind === '{%' && RAW.test(tag.content);
    if (isRaw && !tag.isStripping && !tag.isTrimming) throw new SyntaxError('a raw block begins with +%}');
    const before = beforeTag(text, kind === '{{' ? sign || '+' : sign, isLineStart);
    written += before.replace(/\{$/, '{{ "{" }}') + (isRaw ? '' : `${kind} ${tag.content.replace(GENERATION, filterBlock)}`);
    at = tag.end;
    if (isRaw) {
      const raw = rawText(source, tag);
      written += raw.content;
      at = raw.end;
    } else if (tag.isStripping) at += matchAt(ALL_BLANKS, source, at)?.[0].length ?? 0;
    else if (kind !== '{{' && tag.isTrimming && source.charAt(at) === '\n') at++;
    isLineStart = at > tag.end && source.charAt(at - 1) === '\n';
  }
  return written;
}

/** A text without the blanks that the sign of the tag behind it drops; without a sign, they go where they are all that the line has. */
function beforeTag(text: string, sign: string, isLineStart: boolean): string {
  if (sign === '-') return stripped(text, 'rstrip');
  const lineStart = text.lastIndexOf('\n') + 1;
  const isAlone = sign === '' && (lineStart > 0 || isLineStart) && stripped(text.slice(lineStart), 'lstrip') === '';
  return isAlone ? text.slice(0, lineStart) : text;
}

const ALL_BLANKS = new RegExp(`[${BLANKS}]*`, 'y');

function matchAt(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

const RAW = /^ *raw *%\}$/;
/** Marks what the assistant wrote; what is set within ends there. As a filter, which changes nothing, it does so here. */
const GENERATION = /^ *(end)?generation *%\}$/;
const filterBlock = (_: string, end: string | undefined) => (end ? 'endfilter %}' : 'filter string %}');
const RAW_END = new RegExp(`\\{%([+-]?)[${BLANKS}]*endraw[${BLANKS}]*(?:\\+%\\}|-%\\}[${BLANKS}]*|%\\}\\n?)`, 'g');

/** The text between `{% raw %}` and `{% endraw %}` as an expression, because the library does not know these blocks. */
function rawText(source: string, begin: Tag): Pick<Tag, 'content' | 'end'> {
  RAW_END.lastIndex = begin.end;
  const end = RAW_END.exec(source);
  if (!end) throw new SyntaxError('a raw block has no end');
  const text = source.slice(begin.end, end.index);
  const left = begin.isStripping ? stripped(text, 'lstrip') : text;
  return { content: `{{ ${quoted(beforeTag(left, end[1] ?? '', false))} }}`, end: RAW_END.lastIndex };
}

interface Tag {
  /** The text after its opening, up to and including its closing. */
  readonly content: string;
  readonly end: number;
  /** Whether the blanks behind it are dropped. */
  readonly isStripping: boolean;
  /** Whether the line end behind it is dropped. */
  readonly isTrimming: boolean;
}

function nextTag(source: string, from: number): number {
  for (let at = source.indexOf('{', from); at >= 0; at = source.indexOf('{', at + 1)) {
    if ('{%#'.includes(source.charAt(at + 1) || ' ')) return at;
  }
  return source.length;
}

function comment(source: string, from: number): Tag {
  const close = source.indexOf('#}', from);
  if (close < 0) throw new SyntaxError('a comment has no end');
  const sign = source.slice(from, close).at(-1);
  return { content: '#}', end: close + 2, isStripping: sign === '-', isTrimming: sign !== '+' };
}

const CLOSING: Readonly<Record<string, RegExp>> = { '%}': /([+-]?)%\}/y, '}}': /(-?)\}\}/y };
const LITERAL = /'[^'\\]*(?:\\[\s\S][^'\\]*)*'|"[^"\\]*(?:\\[\s\S][^"\\]*)*"/y;
const NUMBER = /0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?(?:[eE][+-]?\d+(?:_\d+)*)?/y;
const WORD = /(?:[\p{L}_]|\.\s*\d)[\p{L}\p{N}_]*/uy;
const DEPTHS: Readonly<Record<string, number>> = { '(': 1, '[': 1, '{': 1, ')': -1, ']': -1, '}': -1 };

/** An expression or a statement; a closing within brackets belongs to them. */
function code(source: string, from: number, closing: string): Tag {
  let content = '';
  let depth = 0;
  for (let at = from; at < source.length; ) {
    const close = depth > 0 ? null : matchAt(CLOSING[closing] as RegExp, source, at);
    if (close) {
      const [all, sign = ''] = close;
      return { content: `${content} ${closing}`, end: at + all.length, isStripping: sign === '-', isTrimming: sign !== '+' };
    }
    const literal = matchAt(LITERAL, source, at)?.[0];
    if (literal === undefined && /['"]/.test(source.charAt(at))) throw new SyntaxError('a text has no end');
    const word = literal ?? matchAt(WORD, source, at)?.[0];
    const number = word === undefined ? matchAt(NUMBER, source, at)?.[0] : undefined;
    const part = word ?? number ?? (matchAt(ALL_BLANKS, source, at)?.[0] || source.charAt(at));
    content += literal !== undefined ? plainText(literal) : number !== undefined ? plainNumber(number) : stripped(part, 'strip') || ' ';
    depth += DEPTHS[part] ?? 0;
    at += part.length;
  }
  throw new SyntaxError(`a tag has no end ${closing}`);
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

/** A text in quotes, of which Python keeps a backslash that begins no escape. */
function plainText(literal: string): string {
  const text = literal
    .slice(1, -1)
    .replace(/\\(?:x(.{2})|u(.{4})|U(.{8})|([0-7]{1,3})|([\s\S]))/g, (all, ...groups: (string | undefined)[]) => {
      const [two, four, eight, octal, one = ''] = groups;
      const hexadecimal = two ?? four ?? eight;
      if (hexadecimal === undefined && octal === undefined && !/[xuUN]/.test(one)) return ESCAPES[one] ?? all;
      const point =
        octal === undefined && /^[\da-f]+$/i.test(hexadecimal ?? '') ? Number(`0x${hexadecimal}`) : Number.parseInt(octal ?? '', 8);
      if (Number.isNaN(point) || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        throw new SyntaxError(`the escape ${all} is not known here`);
      return String.fromCodePoint(point);
    });
  return quoted(text);
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`)}"`;
}

/** In digits alone, with a point if it has a fraction or an exponent. */
function plainNumber(number: string): string {
  const digits = number.replaceAll('_', '');
  if (/^0[xob]/i.test(digits)) return String(BigInt(digits));
  if (!/e/i.test(digits)) return digits;
  const value = Number(digits);
  if (!Number.isFinite(value)) throw new SyntaxError(`the number ${number} is too large`);
  return Number.isInteger(value) ? `${BigInt(value)}.0` : value.toFixed(100).replace(/0+$/, '');
}
