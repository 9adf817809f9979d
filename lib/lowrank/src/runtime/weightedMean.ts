/**
 * `Σ value·weight / Σ weight`: the mean loss per token, from the losses of batches and their numbers of tokens. A value without weight does
 * not count, whatever it is.
 */
export function weightedMean(values: readonly number[], weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.reduce((sum, weight, i) => (weight === 0 ? sum : sum + weight * (values[i] ?? Number.NaN)), 0) / total;
}
