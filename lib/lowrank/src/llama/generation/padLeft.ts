/** Rows of different lengths, made to end at the same position. */

type Tokens = readonly (readonly number[])[];

/** The rows with `filler` before them, up to the longest, or to `width`. */
export function padLeft(rows: Tokens, filler: number, width = longest(rows)): number[][] {
  return rows.map((row) => [...Array<number>(width - row.length).fill(filler), ...row]);
}

/** The attention mask of rows so padded: 0 on the padding, 1 on the tokens. */
export function leftMask(rows: Tokens, width = longest(rows)): number[][] {
  return rows.map(({ length }) => [...Array<number>(width - length).fill(0), ...Array<number>(length).fill(1)]);
}

function longest(rows: Tokens): number {
  return Math.max(...rows.map(({ length }) => length));
}
