/** A hunk of a merge, with one column of signs per parent. It is not reviewed, and parsed only to find its end. */
export class CombinedHunk {
  private constructor(
    readonly number: number,
    private readonly oldLeft: number[],
    private newLeft: number,
  ) {}

  /** The hunk that starts at a `@@@ -1,2 -1,2 +1,3 @@@` line; undefined for any other line. */
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
    for (const [i, sign] of [...signs].entries()) if (isRemoved ? sign === '-' : sign === ' ') this.oldLeft[i] = (this.oldLeft[i] ?? 0) - 1;
    if (!isRemoved) this.newLeft--;
  }
}
