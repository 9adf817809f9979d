/** An inclusive range of lines, counted from 0. */
export interface LineRange {
  readonly first: number;
  readonly last: number;
}

/** A few lines of a file, some of them treated as added. */
export interface Hunk {
  /** Starts at the `@@` line; no final line break. */
  readonly patch: string;
  /** The lines after the change, without diff signs. */
  readonly code: string;
  /** The range of `code` in the file. */
  readonly lines: LineRange;
}

/** A hunk of a unified diff that adds the lines `added` to a file that already had all others. */
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

export function isWithin(line: number, { first, last }: LineRange): boolean {
  return line >= first && line <= last;
}
