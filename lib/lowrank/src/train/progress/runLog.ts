/** A run as lines of JSON, for whatever reads it later: `{"type":"step","step":1,"loss":2.31,…}`. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { writeTextAtomic } from '../../io';
import { StorageError } from '../../runtime';
import { reasonOf } from '../../runtime/messages/reasonOf';

/** Appends records to a file; each line is complete when its call returns. */
export class RunLog {
  /**
   * Begins the file, or takes it up where a run that is resumed left it: lines of later steps are dropped, so that no step is there twice.
   *
   * @param resumedAt - the step that the run goes on from; none for a run from the start
   */
  constructor(
    private readonly path: string,
    resumedAt?: number,
  ) {
    this.storing(() => {
      fs.mkdirSync(nodePath.dirname(path), { recursive: true });
      if (resumedAt === undefined || !fs.existsSync(path)) return fs.writeFileSync(path, '');
      const kept = fs
        .readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => stepOf(line) <= resumedAt);
      writeTextAtomic(path, kept.map((line) => `${line}\n`).join('')); // at no moment are the lines gone
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

/** The step that a line is about; Infinity for a line that a crash has cut off. */
function stepOf(line: string): number {
  try {
    return (JSON.parse(line) as { step: number }).step;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
