/** The log of a run as lines of JSON: `{"type":"step","step":1,"loss":2.31,…}`. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { makeFolder, writeTextAtomic } from '../../io';
import { StorageError } from '../../runtime';
import { reasonOf } from '../../runtime/messages/reasonOf';

/** Appends records to a file; each line is complete when its call returns. */
export class RunLog {
  /**
   * Begins the file, or continues it for a resumed run: lines of later steps are removed, so no step appears twice.
   *
   * @param resumedAt - the step from which the run resumes; undefined for a new run
   */
  constructor(
    private readonly path: string,
    resumedAt?: number,
  ) {
    this.storing(() => {
      makeFolder(nodePath.dirname(path));
      if (resumedAt === undefined || !fs.existsSync(path)) return fs.writeFileSync(path, '');
      const kept = fs
        .readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => stepOf(line) <= resumedAt);
      writeTextAtomic(path, kept.map((line) => `${line}\n`).join('')); // the lines are never missing, even for a moment
    });
  }

  append(type: string, record: object): void {
    this.storing(() => fs.appendFileSync(this.path, `${JSON.stringify({ type, ...record, time: new Date().toISOString() })}\n`));
  }

  private storing(action: () => void): void {
    try {
      action();
    } catch (cause) {
      throw new StorageError(`the run's log ${this.path} cannot be written (${reasonOf(cause)})`, { cause });
    }
  }
}

/** The step of a line; Infinity for a line that a crash cut off. */
function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as { step: number }).step;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
