/** What is wrong with single lines of a data file, and how much of it is put up with. */
import { ArgumentError, FormatError } from 'lowrank';
import { warn } from 'lowrank/internal';

/** A line, or a record of several lines, that could not be read and was left out. */
export interface ReadProblem {
  /** Path of the file; for a file inside a zip archive `archive.zip/file`. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** How malformed lines are dealt with. */
export interface ProblemOptions {
  /** Is told of every line that is left out. @defaultValue a warning on the console */
  readonly onProblem?: (problem: ReadProblem) => void;
  /** So many malformed lines are left out; one more ends the reading. @defaultValue 100 */
  readonly maxProblems?: number;
}

/** Passes problems on, and ends the reading when there are too many. */
export class Problems {
  private readonly onProblem: (problem: ReadProblem) => void;
  private readonly maxProblems: number;
  private count = 0;

  /** @throws ArgumentError when `maxProblems` is not a number from 0 up. */
  constructor({ onProblem = warnOf, maxProblems = 100 }: ProblemOptions = {}) {
    if (!(maxProblems >= 0)) throw new ArgumentError(`maxProblems ${maxProblems} is not a number from 0 up`);
    this.onProblem = onProblem;
    this.maxProblems = maxProblems;
  }

  /** @throws FormatError when this is one too many. */
  report(problem: ReadProblem): void {
    this.count++;
    this.onProblem(problem);
    if (this.count <= this.maxProblems) return;
    const { file, line, message } = problem;
    throw new FormatError(
      `${file}:${line}: ${message}; that is malformed line ${this.count}, and at most ${this.maxProblems} are left out: raise maxProblems, or mend the file`,
    );
  }
}

function warnOf({ file, line, message }: ReadProblem): void {
  warn(`${file}:${line}: ${message}; this record is left out`);
}
