import { ArgumentError } from 'lowrank';

/**
 * `exp(Σ loss·tokens / Σ tokens)`: the perplexity over batches, from the mean loss (in nats) and the number of learned tokens of each.
 *
 * @throws ArgumentError when a count is missing or negative, or all counts are 0.
 */
export function perplexity(losses: readonly number[], tokenCounts: readonly number[]): number {
  if (losses.length !== tokenCounts.length)
    throw new ArgumentError(`${losses.length} losses and ${tokenCounts.length} token counts: pass one count per loss`);
  const negative = tokenCounts.find((count) => !(count >= 0));
  if (negative !== undefined) throw new ArgumentError(`token count ${negative} is below 0`);
  const tokens = tokenCounts.reduce((sum, count) => sum + count, 0);
  if (tokens === 0) throw new ArgumentError('perplexity needs at least one token');
  // A batch without learned tokens has no loss, whatever value is recorded for it.
  const total = losses.reduce((sum, loss, i) => sum + (tokenCounts[i] === 0 ? 0 : loss * (tokenCounts[i] ?? 0)), 0);
  return Math.exp(total / tokens);
}
