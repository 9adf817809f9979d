import { checkKnown, checkWhole, shuffled } from 'lowrank/internal';
import { isExampleOf, type ReviewTask } from './prompts';
import type { ReviewExample } from './reviewExample';

/**
 * Draws `count` examples of a task, or all with `Infinity`; the default `seed` is 1. With the same seed, a larger sample contains the smaller one.
 *
 * @throws ArgumentError for a count that is not whole, or negative.
 */
export function drawExamples(
  task: ReviewTask,
  examples: readonly ReviewExample[],
  count: number,
  options: { readonly seed?: number } = {},
): ReviewExample[] {
  checkKnown('drawExamples', options, ['seed']);
  if (count !== Number.POSITIVE_INFINITY) checkWhole('count', count, 0);
  const own = examples.filter((example) => isExampleOf(task, example));
  return shuffled(own, options.seed ?? 1).slice(0, count);
}
