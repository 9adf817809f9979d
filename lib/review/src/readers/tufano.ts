/** Reads the data of Tufano et al. (ICSE 2021 and 2022): Java methods as CSV or TSV with a header, or as two-column TSV without one. */
import { Readable } from 'node:stream';
import { CsvError, type Parser, parse } from 'csv-parse';
import { FormatError } from 'lowrank';
import { LARGEST_RECORD, utf8Text } from 'lowrank/internal';
import type { ReviewExample } from '../reviewExample';

/** The place of a record and a function that parses it. */
export interface FoundRecord {
  readonly line: number;
  /** @throws FormatError when it is malformed. */
  readonly read: () => ReviewExample;
}

const columns = ['comment', 'before', 'before_marked', 'after'] as const;
type Row = Partial<Record<(typeof columns)[number], string>>;

/**
 * The records of a table. Its header must name `comment` and `before`, and may name `before_marked` and `after`; other columns are
 * ignored.
 *
 * @throws FormatError when the header lacks a column or names one twice, or a record has no end.
 */
export async function* tufanoTable(file: string, bytes: AsyncIterable<Buffer>, delimiter: ',' | '\t'): AsyncGenerator<FoundRecord> {
  let unclosed: CsvError | undefined;
  const parser = parse({
    delimiter,
    record_delimiter: ['\r\n', '\n'],
    encoding: null, // keeps bytes, so that invalid UTF-8 is detected
    relax_quotes: true, // a stray quote counts as a character; the number of columns reveals what it breaks
    relax_column_count: true,
    max_record_size: LARGEST_RECORD,
    skip_records_with_error: true,
    on_skip(error) {
      if (error?.code !== 'CSV_QUOTE_NOT_CLOSED') throw error;
      unclosed = error;
      return undefined;
    },
  });
  let names: readonly string[] | undefined;
  let end = 0;
  for await (const record of parsed(file, bytes, parser)) {
    const line = end + 1;
    end += 1 + record.reduce((count, field) => count + newlines(field), 0);
    if (!names) names = columnNames(file, record);
    else if (record.length > 1 || record[0]?.length) yield { line, read: () => exampleOf(rowOf(record, names ?? []), `${file}:${line}`) };
  }
  if (unclosed !== undefined) yield malformed(end + 1, 'a quote is never closed; nothing after this line was read');
}

/** Parses a line `<code>…</code><technical_language>comment</technical_language>⇥code`, or `code⇥comment` with or without code tags. */
export function tufanoLineExample(text: string, id: string): ReviewExample {
  const [source = '', target, ...others] = text.split('\t');
  if (target === undefined) throw new FormatError('expected a tab between code and text');
  if (others.length > 0) throw new FormatError(`${others.length + 2} columns, not 2`);
  const { tagged, comment } = tagsOf(source.trim());
  if (tagged === undefined && /^\s*<(code|technical_language)>/.test(source)) {
    throw new FormatError('expected <code>…</code>, optionally <technical_language>…</technical_language>, a tab and text');
  }
  const code = tagged ?? source;
  const marked = code.includes('<START>') ? code : undefined;
  const before = code.replace(/<START>|<END>/g, '');
  if (comment === undefined) return exampleOf({ comment: target, before, before_marked: marked }, id);
  return exampleOf({ comment, before, before_marked: marked, after: target }, id);
}

/** The contents of the tags in a line. A regular expression would try every pair of end tags. */
function tagsOf(source: string): { readonly tagged?: string; readonly comment?: string } {
  const [start, middle, end] = ['<code>', '</code><technical_language>', '</technical_language>'];
  if (!source.startsWith(start)) return {};
  const between = source.endsWith(end) ? source.slice(0, -end.length).lastIndexOf(middle) : -1;
  if (between >= start.length) {
    return { tagged: source.slice(start.length, between), comment: source.slice(between + middle.length, -end.length) };
  }
  const isCode = source.endsWith('</code>') && source.length >= start.length + '</code>'.length;
  return isCode ? { tagged: source.slice(start.length, -'</code>'.length) } : {};
}

/** One malformed record in place of a file of code and new code, which fits no task. */
export function* tufanoCodeToCode(): Generator<FoundRecord> {
  yield malformed(1, 'a code-to-code file has no comments; nothing in it was read');
}

/** Whether a file is of that kind, by the name of its folder. */
export function isTufanoCodeToCode(file: string): boolean {
  return /(^|[/\\])code-to-code[/\\][^/\\]*$/.test(file);
}

/** Whether a first line is a table header and not a record. */
export function isTufanoHeader(line: string): boolean {
  const names = line.split('\t').map(columnName);
  return names.includes('comment') && names.includes('before');
}

async function* parsed(file: string, bytes: AsyncIterable<Buffer>, parser: Parser): AsyncGenerator<readonly Buffer[]> {
  try {
    yield* Readable.from(bytes, { objectMode: false }).compose(parser) as AsyncIterable<readonly Buffer[]>;
  } catch (cause) {
    if (cause instanceof CsvError) throw new FormatError(`${file}:${cause.lines}: ${cause.message}`, { cause });
    throw cause;
  }
}

function columnNames(file: string, record: readonly Buffer[]): string[] {
  if (record.some((name) => name.includes('\r')))
    throw new FormatError(`${file}:1: the lines end in a carriage return alone; end them in \\n`);
  const names = record.map((name) => columnName(name.toString()));
  const twice = columns.find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined) throw new FormatError(`${file}:1: the first line names the column ${twice} twice`);
  const missing = columns.slice(0, 2).filter((name) => !names.includes(name));
  if (missing.length === 0) return names;
  throw new FormatError(`${file}:1: the first line lacks the column ${missing.join(' and ')}; expected ${columns.join(', ')}`);
}

function columnName(name: string): string {
  return name.trim().replace(/^"|"$/g, '').toLowerCase();
}

function rowOf(record: readonly Buffer[], names: readonly string[]): Row {
  if (record.length !== names.length) throw new FormatError(`${record.length} columns; the header has ${names.length}`);
  const row: Row = {};
  for (const name of columns) {
    const field = record[names.indexOf(name)];
    if (field) row[name] = textOf(name, field);
  }
  return row;
}

function newlines(field: Buffer): number {
  let count = 0;
  for (let at = field.indexOf('\n'); at >= 0; at = field.indexOf('\n', at + 1)) count++;
  return count;
}

function textOf(name: string, field: Buffer): string {
  const text = utf8Text(field);
  if (text === undefined) throw new FormatError(`${name} is not UTF-8 text`);
  return text;
}

function exampleOf({ comment = '', before = '', before_marked: marked, after }: Row, id: string): ReviewExample {
  if (comment.trim() === '') throw new FormatError('comment is empty');
  if (before.trim() === '') throw new FormatError('before is empty');
  const markedCode = marked === undefined ? undefined : withTags(marked, before);
  return {
    id,
    source: 'tufano',
    language: 'java',
    needsReview: true,
    comment,
    code: before,
    ...(markedCode !== undefined && { markedCode }),
    ...(after !== undefined && { refinedCode: after }),
  };
}

/**
 * Converts the marks to `<START>` and `<END>`. Some files use `START ` and ` END`, which are marks only if the rest equals the code.
 *
 * @throws FormatError when what is marked is not the code.
 */
function withTags(marked: string, before: string): string | undefined {
  const isCode = (text: string) => text.replace(/\s+/g, '') === before.replace(/\s+/g, '');
  if (marked.trim() === '' || isCode(marked)) return undefined;
  const isTagged = marked.includes('<START>') && marked.lastIndexOf('<END>') > marked.indexOf('<START>');
  if (isTagged && isCode(marked.replace(/<START>|<END>/g, ''))) return marked;
  const start = marked.lastIndexOf('START ', firstDifference(marked, before));
  const unopened = marked.slice(0, Math.max(0, start)) + marked.slice(start + 6);
  const end = unopened.lastIndexOf(' END', firstDifference(unopened, before));
  const [head, middle, tail] = [unopened.slice(0, start), unopened.slice(start, end), unopened.slice(end + 4)];
  if (start < 0 || end < start || !isCode(head + middle + tail)) {
    throw new FormatError(
      'before_marked is not the code of before with START and END around a part of it; leave it empty if nothing is marked',
    );
  }
  return `${head}<START>${middle}<END>${tail}`;
}

/** The index where two texts begin to differ, ignoring white space. An insertion starts there or before, like `START ` in `STARTS`. */
function firstDifference(text: string, other: string): number {
  let at = 0;
  for (let i = 0; at < text.length; at++, i++) {
    while (isBlank(text[at])) at++;
    while (isBlank(other[i])) i++;
    if (text[at] !== other[i]) break;
  }
  return at;
}

function isBlank(character: string | undefined): boolean {
  return character !== undefined && /\s/.test(character);
}

function malformed(line: number, message: string): FoundRecord {
  return {
    line,
    read() {
      throw new FormatError(message);
    },
  };
}
