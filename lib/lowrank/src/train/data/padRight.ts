/** Pads rows of different lengths on the right. */

/** The rows, followed by `filler` up to the length of the longest or to `width`. */
export function padRight(
  rows: readonly (readonly number[])[],
  filler: number,
  width = Math.max(...rows.map(({ length }) => length)),
): number[][] {
  return rows.map((row) => [...row, ...new Array<number>(width - row.length).fill(filler)]);
}
