/** Rows of different lengths, made to begin at the same position. */

/** The rows with `filler` after them, up to the longest, or to `width`. */
export function padRight(
  rows: readonly (readonly number[])[],
  filler: number,
  width = Math.max(...rows.map(({ length }) => length)),
): number[][] {
  return rows.map((row) => [...row, ...new Array<number>(width - row.length).fill(filler)]);
}
