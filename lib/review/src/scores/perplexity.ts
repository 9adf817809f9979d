import { ArgumentError } from 'lowrank';
import { weightedMean } from 'lowrank/internal';

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
  if (tokenCounts.every((count) => count === 0)) throw new ArgumentError('perplexity needs at least one token');
  return Math.exp(weightedMean(losses, tokenCounts));
}
