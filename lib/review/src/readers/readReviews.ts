/** Reads review data from all supported sources, one record at a time. */
import nodePath from 'node:path';
import { FormatError } from 'lowrank';
import { checkKnown, checkOneOf, isJsonObject, type TextLine, textLines } from 'lowrank/internal';
import { isExampleOf, type ReviewTask, reviewTasks } from '../prompts';
import type { ReviewExample } from '../reviewExample';
import { codeReviewerExample } from './codeReviewer';
import { instructionExample, isInstructionRecord } from './instructionRecord';
import { isJsonList, jsonListItems } from './jsonList';
import { type ProblemOptions, Problems } from './malformedRecords';
import { openTexts, type TextSource } from './openTexts';
import { isStoredExample, storedExample } from './storedExample';
import { type FoundRecord, isTufanoCodeToCode, isTufanoHeader, tufanoCodeToCode, tufanoLineExample, tufanoTable } from './tufano';

/** What to read. */
export interface ReadReviewsOptions extends ProblemOptions {
  /** Keeps only examples that can train or measure this task. @defaultValue all */
  readonly task?: ReviewTask;
}

interface FiledExample {
  readonly file: string;
  readonly example: ReviewExample;
}

/**
 * Streams review data as one kind of record. Reads CodeReviewer's `cls-`, `msg-` and `ref-*.jsonl`, Tufano's `.csv` and `.tsv`, the lint
 * reviews, and records of `instruction`, `input` and `output`; JSON in lines or as one list; each also as `.gz`, in a `.zip`, or as
 * several files in a folder. The records decide the format, not the file name.
 *
 * Reports a malformed record with file and line and skips it, up to a limit.
 *
 * @throws FormatError when there is nothing to read, a file or archive is truncated, or too many records are malformed; ArgumentError for an
 * unknown task or option.
 */
export async function* readReviews(path: string, options: ReadReviewsOptions = {}): AsyncGenerator<ReviewExample> {
  checkKnown('readReviews', options, ['task', 'onProblem', 'maxProblems']);
  for await (const { example } of readFiledReviews(path, options)) yield example;
}

/** Like {@link readReviews}, with the file of each example. */
export async function* readFiledReviews(path: string, { task, ...options }: ReadReviewsOptions = {}): AsyncGenerator<FiledExample> {
  const problems = new Problems(options);
  if (task !== undefined) checkOneOf('task', task, reviewTasks);
  const root = nodePath.dirname(nodePath.resolve(path));
  for await (const source of openTexts(path)) {
    const { file } = source;
    const name = nodePath.relative(root, nodePath.resolve(file)); // relative, so that ids are the same on every machine
    for await (const { line, read } of records(name, source)) {
      try {
        const example = read();
        if (task === undefined || isExampleOf(task, example)) yield { file, example };
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        problems.report({ file, line, message: error.message });
      }
    }
  }
}

async function* records(name: string, { file, bytes }: TextSource): AsyncGenerator<FoundRecord> {
  if (/\.csv(\.gz)?$/i.test(file)) return yield* tufanoTable(name, bytes, ',');
  const isTsv = /\.tsv(\.gz)?$/i.test(file);
  if (isTsv && isTufanoCodeToCode(file)) return yield* tufanoCodeToCode();
  const { first, all } = await peeked(bytes);
  if (!isTsv) yield* isJsonList(first) ? listRecords(name, file, all) : lineRecords(name, all, jsonExample);
  else if (isTufanoHeader(first.toString().split('\n', 1)[0] ?? '')) yield* tufanoTable(name, all, '\t');
  else yield* lineRecords(name, all, tufanoLineExample);
}

async function* lineRecords(
  name: string,
  bytes: AsyncIterable<Buffer>,
  example: (text: string, id: string) => ReviewExample,
): AsyncGenerator<FoundRecord> {
  for await (const line of textLines(bytes)) yield { line: line.line, read: () => example(textOf(line), `${name}:${line.line}`) };
}

async function* listRecords(name: string, file: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<FoundRecord> {
  let index = 0;
  for await (const item of jsonListItems(file, bytes)) {
    const id = `${name}:${++index}`; // by number, because a whole list may be on one line
    yield { line: item.line, read: () => jsonExample(textOf(item), id) };
  }
}

function textOf(line: TextLine): string {
  if (line.problem !== undefined) throw new FormatError(line.problem);
  return line.text;
}

function jsonExample(text: string, id: string): ReviewExample {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    throw new FormatError('the record is not JSON');
  }
  if (!isJsonObject(record)) throw new FormatError('the record is JSON, but not an object');
  if (isStoredExample(record)) return storedExample(record);
  return isInstructionRecord(record) ? instructionExample(record, id) : codeReviewerExample(record, id);
}

/** Returns the first chunk, and a stream of all chunks. */
async function peeked(bytes: AsyncIterable<Buffer>): Promise<{ first: Buffer; all: AsyncIterable<Buffer> }> {
  const chunks = bytes[Symbol.asyncIterator]();
  const { value: first = Buffer.alloc(0) } = (await chunks.next()) as { value?: Buffer };
  async function* all() {
    yield first;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { first, all: all() };
}
