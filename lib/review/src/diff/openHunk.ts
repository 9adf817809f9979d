/** Hunks whose lines are coming in. */
import type { DiffHunk } from './diffHunks';
import { languageOfPath } from './diffPath';

const longestLine = 2000; // characters; what is beyond is cut off, nobody reviews minified code

const header = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/;

/** A hunk, or the part of one. */
export class OpenHunk {
  private readonly lines: string[] = [];
  private readonly added: number[] = [];
  private removedAt: number | undefined;
  private oldCount = 0;
  private newCount = 0;
  private isCut = false;

  /**
   * @param number - of the header's line in the diff, for messages
   * @param oldNext - the next line before the change
   * @param newNext - the next line after the change
   */
  private constructor(
    readonly number: number,
    private readonly oldNext: number,
    private readonly newNext: number,
    private oldLeft: number,
    private newLeft: number,
    private hasChange = false,
  ) {}

  /** The hunk that a line `@@ -1,3 +1,4 @@` begins; undefined for another line. */
  static from(line: string, number: number): OpenHunk | undefined {
    const [, oldStart, oldLines = '1', newStart = '1', newLines = '1'] = header.exec(line) ?? [];
    if (oldStart === undefined) return undefined;
    return new OpenHunk(number, next(oldStart, oldLines), next(newStart, newLines), Number(oldLines), Number(newLines));
  }

  get length(): number {
    return this.lines.length;
  }

  /** Whether all lines that the header announced are here; what looks like a header before that is code. */
  get isComplete(): boolean {
    return this.oldLeft <= 0 && this.newLeft <= 0;
  }

  /** Whether a complete hunk changes anything; if not, its lines had no signs. */
  get isChange(): boolean {
    return this.hasChange;
  }

  /** Whether a line can be one of the hunk. */
  takes(line: string): boolean {
    if (line.startsWith('\\')) return true;
    const sign = signOf(line);
    return sign !== undefined && (sign === '+' || this.oldLeft > 0) && (sign === '-' || this.newLeft > 0);
  }

  add(line: string): void {
    if (line.startsWith('\\')) return; // "\ No newline at end of file"
    const sign = signOf(line);
    if (line.length > longestLine || (sign !== '-' && line.includes('\uFFFD'))) this.isCut = true;
    this.lines.push((/^[ +-]/.test(line) ? line : ` ${line}`).slice(0, longestLine));
    if (sign === '+') this.added.push(this.newNext + this.newCount);
    if (sign === '-') this.removedAt ??= this.newNext + this.newCount;
    if (sign !== ' ') this.hasChange = true;
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
    const { number, oldNext, oldCount, newNext, newCount, oldLeft, newLeft, hasChange } = this;
    return new OpenHunk(number, oldNext + oldCount, newNext + newCount, oldLeft, newLeft, hasChange);
  }

  /** Whether all that is changed are the pointers that git keeps of submodules. */
  get isPointer(): boolean {
    const changed = this.lines.filter((line) => !line.startsWith(' '));
    return changed.length > 0 && changed.every((line) => /^[+-]Subproject commit [\da-f]{40,64}(-dirty)?\r?$/.test(line));
  }

  /** The hunk, if anything is changed in it. */
  *finished(file: string): Generator<DiffHunk> {
    const line = this.added[0] ?? this.lineOfRemoval();
    if (line === undefined) return;
    const { lines, oldNext, oldCount, newNext, newCount } = this;
    const codeStart = newCount === 0 ? newNext - 1 : newNext; // as git numbers a side without lines: the line before
    yield {
      file,
      language: languageOfPath(file),
      patch: [`@@ -${oldCount === 0 ? oldNext - 1 : oldNext},${oldCount} +${codeStart},${newCount} @@`, ...lines].join('\n'),
      code: lines
        .filter((each) => !each.startsWith('-'))
        .map((each) => each.slice(1))
        .join('\n'),
      codeStart,
      codeLines: newCount,
      line,
      endLine: this.added.at(-1) ?? line,
      ...(this.isCut && { isCut: true }),
    };
  }

  /** The line that follows what was removed, or the last one before, whichever is there. */
  private lineOfRemoval(): number | undefined {
    if (this.removedAt === undefined) return undefined;
    return Math.max(1, Math.min(this.removedAt, this.newNext + this.newCount - 1));
  }
}

/** A hunk of a merge, which has a column of signs for each parent. Nothing is kept of it: it is read to know where it ends. */
export class CombinedHunk {
  private constructor(
    readonly number: number,
    private readonly oldLeft: number[],
    private newLeft: number,
  ) {}

  /** The hunk that a line `@@@ -1,2 -1,2 +1,3 @@@` begins; undefined for another line. */
  static from(line: string, number: number): CombinedHunk | undefined {
    const [, olds, newLines = '1'] = /^@{3,} ((?:-\d{1,9}(?:,\d{1,9})? )+)\+\d{1,9}(?:,(\d{1,9}))? @{3,}/.exec(line) ?? [];
    if (olds === undefined) return undefined;
    const oldLeft = olds
      .trim()
      .split(' ')
      .map((range) => Number(range.split(',')[1] ?? 1));
    return new CombinedHunk(number, oldLeft, Number(newLines));
  }

  get isComplete(): boolean {
    return this.newLeft <= 0 && this.oldLeft.every((left) => left <= 0);
  }

  takes(line: string): boolean {
    return /^[ +\-\\]/.test(line) || line === '' || line === '\r';
  }

  add(line: string): void {
    if (line.startsWith('\\')) return;
    const signs = line.slice(0, this.oldLeft.length).padEnd(this.oldLeft.length);
    const isRemoved = signs.includes('-');
    for (const [i, sign] of [...signs].entries()) {
      if (isRemoved ? sign === '-' : sign === ' ') this.oldLeft[i] = (this.oldLeft[i] ?? 0) - 1;
    }
    if (!isRemoved) this.newLeft--;
  }
}

/** Git numbers a side without lines by the line before it; some tools number a side with lines by 0. */
function next(start: string, lines: string): number {
  return Number(lines) === 0 ? Number(start) + 1 : Math.max(1, Number(start));
}

/** Some tools strip the blank of an empty context line. */
function signOf(line: string): '+' | '-' | ' ' | undefined {
  if (line === '' || line === '\r') return ' ';
  const sign = line[0];
  return sign === '+' || sign === '-' || sign === ' ' ? sign : undefined;
}
