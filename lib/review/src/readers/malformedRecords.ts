/** Malformed records, and how many are tolerated. */
import { FormatError } from 'lowrank';
import { checkWhole, warn } from 'lowrank/internal';

/** A malformed line, or record of several lines, that was skipped. */
export interface ReadProblem {
  /** Path of the file; `archive.zip/file` for a file in a zip archive. */
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** How to handle malformed records. */
export interface ProblemOptions {
  /** Called for every skipped record. @defaultValue warns on the console */
  readonly onProblem?: (problem: ReadProblem) => void;
  /** Maximum malformed records to skip; one more stops the reading with an error. @defaultValue 100 */
  readonly maxProblems?: number;
}

/** Reports malformed records, and throws when there are too many. */
export class Problems {
  private readonly onProblem: (problem: ReadProblem) => void;
  private readonly maxProblems: number;
  private count = 0;

  /** @throws ArgumentError when `maxProblems` is not a whole number from 0 up. */
  constructor({ onProblem = warnOf, maxProblems = 100 }: ProblemOptions = {}) {
    if (maxProblems !== Number.POSITIVE_INFINITY) checkWhole('maxProblems', maxProblems, 0);
    this.onProblem = onProblem;
    this.maxProblems = maxProblems;
  }

  /** @throws FormatError when this record exceeds the maximum. */
  report(problem: ReadProblem): void {
    this.count++;
    this.onProblem(problem);
    if (this.count <= this.maxProblems) return;
    const { file, line, message } = problem;
    throw new FormatError(
      `${file}:${line}: ${message}; this is malformed record ${this.count}, and at most ${this.maxProblems} are skipped: raise maxProblems or repair the file`,
    );
  }
}

function warnOf({ file, line, message }: ReadProblem): void {
  warn(`${file}:${line}: ${message}; skipped this record`);
}
