/** Checks the weights with which adapters are combined. */
import { ArgumentError } from '../../runtime';
import type { CombinationOptions } from '../tuner';

/** @throws ArgumentError unless there is a finite weight for each of at least one adapter. */
export function checkWeights({ adapters, weights }: CombinationOptions): void {
  if (adapters.length === 0 || adapters.length !== weights.length) {
    throw new ArgumentError(`${adapters.length} adapters and ${weights.length} weights; give one weight for each of at least one adapter`);
  }
  if (!weights.every(Number.isFinite)) throw new ArgumentError(`the weights ${weights.join(', ')} are not all finite`);
}
