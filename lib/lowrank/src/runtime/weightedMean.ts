/**
 * `Σ value·weight / Σ weight`: the mean loss per token, from the loss and the number of tokens of each batch. A value of weight 0 does not
 * count, even if it is NaN.
 */
export function weightedMean(values: readonly number[], weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.reduce((sum, weight, i) => (weight === 0 ? sum : sum + weight * (values[i] ?? Number.NaN)), 0) / total;
}
