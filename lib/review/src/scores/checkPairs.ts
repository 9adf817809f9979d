/** Helpers of the scores. */
import { ArgumentError } from 'lowrank';

/** @throws ArgumentError when there are no pairs, or the numbers of predictions and references differ. */
export function checkPairs(predictions: readonly unknown[], references: readonly unknown[]): void {
  const counts = `${predictions.length} predictions and ${references.length} references`;
  if (predictions.length !== references.length) throw new ArgumentError(`${counts}: pass one reference per prediction`);
  if (predictions.length === 0) throw new ArgumentError('no predictions to score');
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
