/** A run of lines, both ends included, counted from 0. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
}

/** A few lines of a file of which some are taken as added. */
export interface Hunk {
  /** From the `@@` line on, without a final line break. */
  readonly patch: string;
  /** The lines as they are after the change, without diff signs. */
  readonly code: string;
  /** Which lines of the file `code` holds. */
  readonly lines: LineRange;
}

/** The hunk of a unified diff that adds `added` to a file that had all the other lines before. */
export function addedHunk(fileLines: readonly string[], added: LineRange, contextLines: number): Hunk {
  const first = Math.max(0, added.first - contextLines);
  const last = Math.min(fileLines.length - 1, added.last + contextLines);
  const code = fileLines.slice(first, last + 1);
  const signed = code.map((line, i) => `${isWithin(first + i, added) ? '+' : ' '}${line}`);
  const newCount = code.length;
  const oldCount = newCount - (added.last - added.first + 1);
  const header = `@@ -${oldCount === 0 ? first : first + 1},${oldCount} +${first + 1},${newCount} @@`;
  return { patch: [header, ...signed].join('\n'), code: code.join('\n'), lines: { first, last } };
}

/** Whether a line is one of a run. */
export function isWithin(line: number, { first, last }: LineRange): boolean {
  return line >= first && line <= last;
}
