/** Assembles hunks from incoming lines. */
import type { DiffHunk } from './diffHunk';
import { languageOfPath } from './diffPath';

const longestLine = 2000; // characters; the rest is dropped, because nobody reviews minified code

const header = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@/;

const SUBMODULE = /^[+-]Subproject commit [\da-f]{40,64}(-dirty)?\r?$/;
/** The whole file after the change. */
const LFS_POINTER =
  /^[ +]version https:\/\/git-lfs\.github\.com\/spec\/v1\r?\n([ +]ext-\d-.*\n)*[ +]oid sha256:[\da-f]{64}\r?\n[ +]size \d+\r?$/;

/** A hunk, or a part of one, under construction. */
export class OpenHunk {
  private readonly lines: string[] = [];
  private readonly added: number[] = [];
  private removedAt: number | undefined;
  private oldCount = 0;
  private newCount = 0;
  private isCut = false;

  /**
   * @param number - line of the header in the diff, for messages
   * @param oldNext - next line before the change
   * @param newNext - next line after the change
   */
  private constructor(
    readonly number: number,
    private readonly oldNext: number,
    private readonly newNext: number,
    private oldLeft: number,
    private newLeft: number,
    /** Whether a complete hunk changes anything. If not, its lines had no signs. */
    public isChange = false,
  ) {}

  /** The hunk that starts at a `@@ -1,3 +1,4 @@` line; undefined for any other line. */
  static from(line: string, number: number): OpenHunk | undefined {
    const [, oldStart, oldLines = '1', newStart = '1', newLines = '1'] = header.exec(line) ?? [];
    if (oldStart === undefined) return undefined;
    return new OpenHunk(number, next(oldStart, oldLines), next(newStart, newLines), Number(oldLines), Number(newLines));
  }

  get length(): number {
    return this.lines.length;
  }

  /** Whether all lines counted in the header have arrived. Until then, a line that looks like a header is code. */
  get isComplete(): boolean {
    return this.oldLeft <= 0 && this.newLeft <= 0;
  }

  takes(line: string): boolean {
    if (line.startsWith('\\')) return true;
    const sign = signOf(line);
    return sign !== undefined && (sign === '+' || this.oldLeft > 0) && (sign === '-' || this.newLeft > 0);
  }

  /** Records that the last lines are missing or incomplete. */
  cut(): void {
    this.isCut = true;
  }

  add(line: string): void {
    if (line.startsWith('\\')) return; // "\ No newline at end of file"
    const sign = signOf(line);
    if (line.length > longestLine || (sign !== '-' && line.includes('\uFFFD'))) this.isCut = true;
    this.lines.push((/^[ +-]/.test(line) ? line : ` ${line}`).slice(0, longestLine));
    if (sign === '+') this.added.push(this.newNext + this.newCount);
    if (sign === '-') this.removedAt ??= this.newNext + this.newCount;
    if (sign !== ' ') this.isChange = true;
    if (sign !== '+') {
      this.oldCount++;
      this.oldLeft--;
    }
    if (sign !== '-') {
      this.newCount++;
      this.newLeft--;
    }
  }

  /** A new part for the lines that follow. */
  rest(): OpenHunk {
    const { number, oldNext, oldCount, newNext, newCount, oldLeft, newLeft, isChange } = this;
    return new OpenHunk(number, oldNext + oldCount, newNext + newCount, oldLeft, newLeft, isChange);
  }

  /** What the hunk records in place of code: a submodule or a Git LFS pointer. */
  get pointer(): string | undefined {
    const changed = this.lines.filter((line) => !line.startsWith(' '));
    if (changed.length > 0 && changed.every((line) => SUBMODULE.test(line))) return 'a submodule';
    return LFS_POINTER.test(this.lines.filter((line) => !line.startsWith('-')).join('\n')) ? 'a Git LFS pointer' : undefined;
  }

  /** The hunk, if it changes anything. */
  *finished(file: string): Generator<DiffHunk> {
    const line = this.added[0] ?? this.lineOfRemoval();
    if (line === undefined) return;
    const { lines, oldNext, oldCount, newNext, newCount } = this;
    const codeStart = newCount === 0 ? newNext - 1 : newNext; // git numbers an empty side by the line before it
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

  /** The line after the removed lines, or the last one before them, whichever exists. */
  private lineOfRemoval(): number | undefined {
    if (this.removedAt === undefined) return undefined;
    return Math.max(1, Math.min(this.removedAt, this.newNext + this.newCount - 1));
  }
}

/** Git numbers an empty side by the line before it; some tools number a non-empty side by 0. */
function next(start: string, lines: string): number {
  return Number(lines) === 0 ? Number(start) + 1 : Math.max(1, Number(start));
}

/** The sign of a line. Some tools strip the blank of an empty context line. */
function signOf(line: string): '+' | '-' | ' ' | undefined {
  if (line === '' || line === '\r') return ' ';
  const sign = line[0];
  return sign === '+' || sign === '-' || sign === ' ' ? sign : undefined;
}
