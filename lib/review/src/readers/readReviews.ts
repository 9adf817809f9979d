/** Review data from wherever people have it, one record at a time. */
import nodePath from 'node:path';
import { FormatError } from 'lowrank';
import { checkKnown, isJsonObject, type TextLine, textLines } from 'lowrank/internal';
import { isExampleOf, type ReviewTask } from '../prompts';
import type { ReviewExample } from '../reviewExample';
import { codeReviewerExample } from './codeReviewer';
import { openTexts, type TextSource } from './openTexts';
import { type ProblemOptions, Problems } from './problems';
import { isStoredExample, storedExample } from './storedExample';
import { type FoundRecord, isTufanoCodeToCode, isTufanoHeader, tufanoCodeToCode, tufanoLineExample, tufanoTable } from './tufano';

/** What to read. */
export interface ReadReviewsOptions extends ProblemOptions {
  /** Only examples that can be learned from, or measured on, in this task. @defaultValue all */
  readonly task?: ReviewTask;
}

/** An example and the file that it was in. */
export interface FiledExample {
  readonly file: string;
  readonly example: ReviewExample;
}

/**
 * Reads review data as one kind of record, streaming: CodeReviewer's `cls-`, `msg-` and `ref-*.jsonl`, Tufano's `.csv` and `.tsv`, and
 * the lint reviews; each also with `.gz`, in a `.zip`, or several in a folder. What a file holds is told by its records, not its name.
 *
 * A malformed record is reported with file and line and left out, up to a limit.
 *
 * @throws FormatError when there is nothing to read, a file or archive breaks off, or too many records are malformed.
 */
export async function* readReviews(path: string, options: ReadReviewsOptions = {}): AsyncGenerator<ReviewExample> {
  checkKnown('readReviews', options, ['task', 'onProblem', 'maxProblems']);
  for await (const { example } of readFiledReviews(path, options)) yield example;
}

/** As {@link readReviews}, with the file of each. */
export async function* readFiledReviews(path: string, { task, ...options }: ReadReviewsOptions = {}): AsyncGenerator<FiledExample> {
  const problems = new Problems(options);
  const root = nodePath.dirname(nodePath.resolve(path));
  for await (const source of openTexts(path)) {
    const { file } = source;
    const name = nodePath.relative(root, nodePath.resolve(file)); // without the place, so that an id is the same everywhere
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
  if (!/\.tsv(\.gz)?$/i.test(file)) return yield* lineRecords(name, bytes, jsonExample);
  if (isTufanoCodeToCode(file)) return yield* tufanoCodeToCode();
  const { first, all } = await peeked(bytes);
  if (isTufanoHeader(first.toString().split('\n', 1)[0] ?? '')) yield* tufanoTable(name, all, '\t');
  else yield* lineRecords(name, all, tufanoLineExample);
}

async function* lineRecords(
  name: string,
  bytes: AsyncIterable<Buffer>,
  example: (text: string, id: string) => ReviewExample,
): AsyncGenerator<FoundRecord> {
  for await (const line of textLines(bytes)) yield { line: line.line, read: () => example(textOf(line), `${name}:${line.line}`) };
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
    throw new FormatError('this is not a line of JSON');
  }
  if (!isJsonObject(record)) throw new FormatError('this is JSON, but not an object');
  return isStoredExample(record) ? storedExample(record) : codeReviewerExample(record, id);
}

/** The first chunk, and all of them. */
async function peeked(bytes: AsyncIterable<Buffer>): Promise<{ first: Buffer; all: AsyncIterable<Buffer> }> {
  const chunks = bytes[Symbol.asyncIterator]();
  const { value: first = Buffer.alloc(0) } = (await chunks.next()) as { value?: Buffer };
  async function* all() {
    yield first;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { first, all: all() };
}
