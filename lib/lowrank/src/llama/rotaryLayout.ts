/** The two orders of the rows of q and k within a head. */

/**
 * Hugging Face's models pair element i with i + D/2 for the rotation. Meta's models, OpenGVLab's, lit's, and llama.cpp's files of LLaMA
 * models pair 2i with 2i + 1.
 */
export type RotaryLayout = 'hf' | 'meta';

/** Whether the output of the projection with this path or parameter name is rotated. */
export function isRotated(path: string): boolean {
  return /(^|\.)[qk]_proj(\.|$)/.test(path);
}

/**
 * The index, in the other layout, of a row of a q or k weight in the layout `to`.
 *
 * `hf[i] = meta[2i]`, `hf[i + D/2] = meta[2i + 1]` in each head, i < D/2.
 */
export function rotaryRow(row: number, headDim: number, to: RotaryLayout): number {
  const half = headDim / 2;
  const place = row % headDim;
  const other = to === 'hf' ? (place < half ? 2 * place : 2 * (place - half) + 1) : (place >> 1) + (place & 1) * half;
  return row - place + other;
}

/** {@link rotaryRow} for every row. */
export function rotaryRows(rows: number, headDim: number, to: RotaryLayout): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) => rotaryRow(row, headDim, to));
}
