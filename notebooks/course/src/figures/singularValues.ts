import { ArgumentError } from 'lowrank/errors';

/** A matrix as its rows. */
export type Rows = readonly (readonly number[])[];

/** `M = U·diag(s)·Vᵀ`, with the singular values in descending order. */
export interface Decomposition {
  /** The columns of U. */
  readonly left: readonly (readonly number[])[];
  readonly values: readonly number[];
  /** The columns of V. */
  readonly right: readonly (readonly number[])[];
}

function dot(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function transposed(rows: Rows): number[][] {
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? 0));
}

/** Turns the plane of two columns, in place. */
function turn(a: number[], b: number[], cosine: number, sine: number): void {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    a[i] = cosine * x - sine * y;
    b[i] = sine * x + cosine * y;
  }
}

/** One-sided Jacobi (Hestenes 1958): turns pairs of columns until all are orthogonal. */
function ofColumns(columns: number[][]): Decomposition {
  const n = columns.length;
  const turns = columns.map((_, i) => columns.map((__, j) => (i === j ? 1 : 0)));
  for (let sweep = 0, isDone = false; sweep < 60 && !isDone; sweep++) {
    isDone = true;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const [a, b, u, v] = [columns[p], columns[q], turns[p], turns[q]];
        if (!a || !b || !u || !v) continue;
        const [aa, bb, ab] = [dot(a, a), dot(b, b), dot(a, b)];
        if (Math.abs(ab) <= 1e-12 * Math.sqrt(aa * bb)) continue;
        isDone = false;
        const zeta = (bb - aa) / (2 * ab);
        const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
        const cosine = 1 / Math.hypot(1, tangent);
        turn(a, b, cosine, cosine * tangent);
        turn(u, v, cosine, cosine * tangent);
      }
    }
  }
  const sizes = columns.map((column) => Math.sqrt(dot(column, column)));
  const order = sizes.map((_, index) => index).sort((i, j) => (sizes[j] ?? 0) - (sizes[i] ?? 0));
  const unit = (column: readonly number[], size: number) => column.map((value) => (size > 0 ? value / size : 0));
  return {
    values: order.map((i) => sizes[i] ?? 0),
    left: order.map((i) => unit(columns[i] ?? [], sizes[i] ?? 0)),
    right: order.map((i) => turns[i] ?? []),
  };
}

/**
 * The singular value decomposition of a small matrix.
 *
 * @throws ArgumentError when the matrix is empty, ragged, or has more than 256 rows and columns
 */
export function decompose(rows: Rows): Decomposition {
  const width = rows[0]?.length ?? 0;
  if (width === 0 || rows.some((row) => row.length !== width)) throw new ArgumentError('the matrix is empty or its rows differ in length');
  if (Math.min(rows.length, width) > 256) {
    throw new ArgumentError(`a matrix of ${rows.length} × ${width} takes too long; pass its factors A and B, or a block`);
  }
  if (width <= rows.length) return ofColumns(transposed(rows));
  const { left, values, right } = ofColumns(rows.map((row) => [...row]));
  return { left: right, values, right: left };
}

/** The decomposition of `A·B` from its factors A (I, r) and B (r, O), without the product. */
export function decomposeProduct(a: Rows, b: Rows): Decomposition {
  if (a[0]?.length !== b.length) throw new ArgumentError(`A has ${a[0]?.length} columns and B ${b.length} rows; both must be the rank`);
  const first = decompose(a); // A = U·S·Wᵀ
  const core = first.values.map((value, i) =>
    (b[0] ?? []).map((_, column) => value * b.reduce((sum, row, k) => sum + (first.right[i]?.[k] ?? 0) * (row[column] ?? 0), 0)),
  ); // S·Wᵀ·B
  const second = decompose(core);
  const left = second.left.map((column) =>
    (first.left[0] ?? []).map((_, row) => column.reduce((sum, value, i) => sum + value * (first.left[i]?.[row] ?? 0), 0)),
  );
  return { left, values: second.values, right: second.right };
}
