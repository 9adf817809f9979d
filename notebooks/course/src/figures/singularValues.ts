import { ArgumentError } from 'lowrank/errors';

/** A matrix as its rows. */
export type Rows = readonly (readonly number[])[];

/** `M = U·diag(s)·Vᵀ`, with the singular values in descending order. */
interface Decomposition {
  /** The columns of U. */
  readonly left: readonly (readonly number[])[];
  readonly values: readonly number[];
  /** The columns of V. */
  readonly right: readonly (readonly number[])[];
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function transposed(rows: Rows): number[][] {
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? 0));
}

/** Rotates two columns in their plane, in place. */
function turn(a: Float64Array, b: Float64Array, cosine: number, sine: number): void {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    a[i] = cosine * x - sine * y;
    b[i] = sine * x + cosine * y;
  }
}

/** A column of the matrix, with the column of V that belongs to it. */
interface Pair {
  readonly column: Float64Array;
  readonly turned: Float64Array;
  /** The square of the column's length. */
  square: number;
}

/** Makes two columns orthogonal, unless they are, or one of them is no more than rounding errors. */
function orthogonalize(one: Pair, other: Pair, energy: number): boolean {
  if (Math.min(one.square, other.square) <= 1e-26 * energy) return false;
  const product = dot(one.column, other.column);
  if (Math.abs(product) <= 1e-10 * Math.sqrt(one.square * other.square)) return false;
  const zeta = (other.square - one.square) / (2 * product);
  const tangent = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const cosine = 1 / Math.hypot(1, tangent);
  turn(one.column, other.column, cosine, cosine * tangent);
  turn(one.turned, other.turned, cosine, cosine * tangent);
  one.square -= tangent * product;
  other.square += tangent * product;
  return true;
}

/** One-sided Jacobi (Hestenes 1958): rotates pairs of columns until all are orthogonal. */
function ofColumns(columns: Rows): Decomposition {
  const pairs = columns.map((column, i): Pair => {
    const turned = new Float64Array(columns.length);
    turned[i] = 1;
    return { column: Float64Array.from(column), turned, square: 0 };
  });
  for (let sweep = 0, isDone = false; sweep < 60 && !isDone; sweep++) {
    isDone = true;
    for (const pair of pairs) pair.square = dot(pair.column, pair.column); // anew, for rounding errors add up
    const energy = pairs.reduce((sum, { square }) => sum + square, 0);
    for (const [p, one] of pairs.entries()) {
      for (const other of pairs.slice(p + 1)) if (orthogonalize(one, other, energy)) isDone = false;
    }
  }
  const sized = pairs.map((pair) => ({ ...pair, size: Math.sqrt(dot(pair.column, pair.column)) })).sort((a, b) => b.size - a.size);
  return {
    values: sized.map(({ size }) => size),
    left: sized.map(({ column, size }) => Array.from(column, (value) => (size > 0 ? value / size : 0))),
    right: sized.map(({ turned }) => [...turned]),
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
  const { left, values, right } = ofColumns(rows);
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
