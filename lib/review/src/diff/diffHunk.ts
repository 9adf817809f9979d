/** A change to review: a hunk, or a part of a long one. */
export interface DiffHunk {
  /** Path of the file after the change, with `/`. */
  readonly file: string;
  /** Programming language by the file name; empty when the name does not show it. */
  readonly language: string;
  /** The hunk, starting at its `@@` line. */
  readonly patch: string;
  /** The lines after the change. */
  readonly code: string;
  /** First line of `code` in the file, counted from 1; if `codeLines` is 0, the line before the gap. */
  readonly codeStart: number;
  readonly codeLines: number;
  /** The first and the last added line; without one, a line next to the removed lines. */
  readonly line: number;
  readonly endLine: number;
  /** Whether `code` differs from the file: a line was too long or was not valid UTF-8, or the diff ends within the hunk. Such code must not be written back. */
  readonly isCut?: boolean;
}
