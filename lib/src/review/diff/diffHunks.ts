/** A unified diff, as git or `diff -u` writes it, taken apart while it comes in. */
import type { ReviewExample } from '../reviewExample';
import { headerPath, languageOfPath } from './diffPath';

/** A change to be reviewed: a hunk, or a part of a long one. */
export interface DiffHunk {
  /** Path of the file after the change, with `/`. */
  readonly file: string;
  /** Programming language by the file's name; empty where that does not tell. */
  readonly language: string;
  /** The hunk from its `@@` line on. */
  readonly patch: string;
  /** The lines as they are after the change. */
  readonly code: string;
  /** Which lines of the file these are, counted from 1; none of them where `codeLines` is 0. */
  readonly codeStart: number;
  readonly codeLines: number;
  /** The first and the last line that was added; where nothing was, the line before which something was removed. */
  readonly line: number;
  readonly endLine: number;
}

/** How a diff is cut up. */
export interface DiffOptions {
  /** A longer hunk, for example a whole new file, is cut into parts of so many lines. @defaultValue 40 */
  readonly maxLines?: number;
  /** Is told of what has no hunk to review: binary files, and merges of several parents. */
  readonly onSkip?: (file: string, reason: string) => void;
}

const header = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/;
const longestLine = 2000; // characters; what is beyond is cut off, nobody reviews minified code

/**
 * The hunks of a diff, in order. Deleted, binary, renamed and empty files have none; text around the diff, as in mails, is passed over.
 *
 * @param lines - without line ends; a `\r` at the end of one stays in the code
 */
export async function* diffHunks(
  lines: AsyncIterable<string> | Iterable<string>,
  { maxLines = 40, onSkip }: DiffOptions = {},
): AsyncGenerator<DiffHunk> {
  let file: string | undefined; // after the change
  let hunk: OpenHunk | undefined;
  let named = '';
  for await (const full of lines) {
    const line = full.length > longestLine ? full.slice(0, longestLine) : full;
    if (hunk && !hunk.isComplete && isHunkLine(line)) {
      hunk.add(line);
      if (hunk.length >= maxLines && !hunk.isComplete) {
        if (file !== undefined) yield* hunk.finished(file);
        hunk = hunk.rest();
      }
      continue;
    }
    if (hunk && file !== undefined) yield* hunk.finished(file);
    hunk = undefined;
    const [, oldStart, oldLines = '1', newStart, newLines = '1'] = header.exec(line) ?? [];
    if (oldStart !== undefined) hunk = new OpenHunk(Number(oldStart), Number(newStart), Number(oldLines), Number(newLines));
    else if (line.startsWith('diff ')) {
      file = undefined;
      named = headerPath(/ (b\/.*|"b\/.*")$/.exec(line)?.[1] ?? line.slice(line.lastIndexOf(' ') + 1)) ?? '';
      if (/^diff --(cc|combined) /.test(line)) onSkip?.(named, 'a merge of several parents');
    } else if (line.startsWith('+++ ')) file = headerPath(line.slice(4));
    else if (/^(Binary files |GIT binary patch)/.test(line)) onSkip?.(named, 'a binary file');
  }
  if (hunk && file !== undefined) yield* hunk.finished(file);
}

/** A hunk as an example without an answer, to be asked about. */
export function hunkExample({ file, line, language, patch, code }: DiffHunk): ReviewExample {
  return { id: `${file}:${line}`, source: 'diff', language, patch, code };
}

/** Some tools strip the blank of an empty context line. */
function isHunkLine(line: string): boolean {
  return line === '' || line === '\r' || /^[ +\-\\]/.test(line);
}

/** A hunk, or the part of one, whose lines are coming in. */
class OpenHunk {
  private readonly lines: string[] = [];
  private oldCount = 0;
  private newCount = 0;
  private readonly added: number[] = [];
  private removedBefore: number | undefined;

  constructor(
    private readonly oldStart: number,
    private readonly newStart: number,
    private oldLeft: number,
    private newLeft: number,
  ) {
    if (newStart === 0 && newLeft > 0) this.newStart = 1; // only what has no lines is at line 0
  }

  get length(): number {
    return this.lines.length;
  }

  /** Whether all lines that the header announced are here; what looks like a header before that is code. */
  get isComplete(): boolean {
    return this.oldLeft <= 0 && this.newLeft <= 0;
  }

  add(line: string): void {
    if (line.startsWith('\\')) return; // "\ No newline at end of file"
    const sign = line[0] === '+' || line[0] === '-' ? line[0] : ' ';
    this.lines.push(/^[ +-]/.test(line) ? line : ` ${line}`);
    if (sign === '+') this.added.push(this.newStart + this.newCount);
    if (sign === '-') this.removedBefore ??= Math.max(1, this.newStart + this.newCount);
    if (sign !== '+') {
      this.oldCount++;
      this.oldLeft--;
    }
    if (sign !== '-') {
      this.newCount++;
      this.newLeft--;
    }
  }

  /** The part that comes after the lines so far. */
  rest(): OpenHunk {
    return new OpenHunk(this.oldStart + this.oldCount, this.newStart + this.newCount, this.oldLeft, this.newLeft);
  }

  /** The hunk, if anything is changed in it. */
  *finished(file: string): Generator<DiffHunk> {
    const line = this.added[0] ?? this.removedBefore;
    if (line === undefined) return;
    const kept = this.lines.filter((each) => !each.startsWith('-'));
    yield {
      file,
      language: languageOfPath(file),
      patch: [`@@ -${this.oldStart},${this.oldCount} +${this.newStart},${this.newCount} @@`, ...this.lines].join('\n'),
      code: kept.map((each) => each.slice(1)).join('\n'),
      codeStart: this.newStart,
      codeLines: this.newCount,
      line,
      endLine: this.added.at(-1) ?? line,
    };
  }
}
