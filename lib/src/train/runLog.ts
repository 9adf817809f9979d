/** A run as lines of JSON, for whatever reads it later: `{"type":"step","step":1,"loss":2.31,…}`. */
import fs from 'node:fs';
import nodePath from 'node:path';
import { StorageError } from '../runtime';

/** Appends records to a file; each line is complete when its call returns. */
export class RunLog {
  /** Takes up the file where a run resumed at `step` left it: later lines are dropped, so that no step is there twice. */
  constructor(
    private readonly path: string,
    step: number,
  ) {
    this.storing(() => {
      fs.mkdirSync(nodePath.dirname(path), { recursive: true });
      const lines = step > 0 && fs.existsSync(path) ? fs.readFileSync(path, 'utf8').split('\n') : [];
      const kept = lines.filter((line) => stepOf(line) <= step);
      fs.writeFileSync(path, kept.map((line) => `${line}\n`).join(''));
    });
  }

  append(type: string, record: object): void {
    this.storing(() => fs.appendFileSync(this.path, `${JSON.stringify({ type, ...record, time: new Date().toISOString() })}\n`));
  }

  private storing(action: () => void): void {
    try {
      action();
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new StorageError(`the run's log ${this.path} cannot be written (${reason})`, { cause });
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
