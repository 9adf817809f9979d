import { ArgumentError } from 'lowrank';

/**
 * `exp(Σ loss·tokens / Σ tokens)`: the perplexity of batches from the mean loss (in nats) and the number of learned tokens of each.
 *
 * @throws ArgumentError when a count is missing or negative, or no token is counted.
 */
export function perplexity(losses: readonly number[], tokenCounts: readonly number[]): number {
  if (losses.length !== tokenCounts.length) throw new ArgumentError(`${losses.length} losses and ${tokenCounts.length} token counts`);
  const negative = tokenCounts.find((count) => !(count >= 0));
  if (negative !== undefined) throw new ArgumentError(`token count ${negative} is below 0`);
  const tokens = tokenCounts.reduce((sum, count) => sum + count, 0);
  if (tokens === 0) throw new ArgumentError('no token to take the perplexity of');
  // A batch without learned tokens has no loss to speak of, whatever number was noted for it.
  const total = losses.reduce((sum, loss, i) => sum + (tokenCounts[i] === 0 ? 0 : loss * (tokenCounts[i] ?? 0)), 0);
  return Math.exp(total / tokens);
}
