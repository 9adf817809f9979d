/** Whether two runs were the same work: a time counts only where they were. */

/** How far losses may be apart, relative to their size. */
export const TOLERANCE = { float32: 1e-4, bfloat16: 2e-2 } as const;

/** The largest relative difference of two loss curves; infinite where they differ in length or one is not finite. */
export function lossGap(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length || ours.length === 0) return Number.POSITIVE_INFINITY;
  const gaps = ours.map((loss, step) => Math.abs(loss - (theirs[step] ?? Number.NaN)) / Math.abs(theirs[step] ?? Number.NaN));
  return gaps.every(Number.isFinite) ? Math.max(...gaps) : Number.POSITIVE_INFINITY;
}
