import fs from 'node:fs';
import nodePath from 'node:path';
import { readJsonFile, writeTextAtomic } from 'lowrank/internal';

/** Seconds of training until each evaluation; a resumed run continues from the last one that was noted. */
export class EvaluationClock {
  private readonly noted: Record<string, number>;
  private readonly begin: number;

  constructor(private readonly path: string) {
    this.noted = fs.existsSync(path) ? (readJsonFile(path, { largest: 100_000 }) as Record<string, number>) : {};
    this.begin = performance.now() - 1000 * Math.max(0, ...Object.values(this.noted));
  }

  note(step: number): void {
    this.noted[step] = Math.round((performance.now() - this.begin) / 100) / 10;
    fs.mkdirSync(nodePath.dirname(this.path), { recursive: true });
    writeTextAtomic(this.path, JSON.stringify(this.noted));
  }

  at(step: number): number {
    return this.noted[step] ?? Number.NaN;
  }
}
