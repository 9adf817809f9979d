import { checkKnown, shuffled } from 'lowrank/internal';
import { isExampleOf, type ReviewTask } from './prompts';
import type { ReviewExample } from './reviewExample';

/** Draws `count` examples of a task; the default `seed` is 1. With the same seed, a larger sample contains the smaller one. */
export function drawExamples(
  task: ReviewTask,
  examples: readonly ReviewExample[],
  count: number,
  options: { readonly seed?: number } = {},
): ReviewExample[] {
  checkKnown('drawExamples', options, ['seed']);
  const own = examples.filter((example) => isExampleOf(task, example));
  return shuffled(own, options.seed ?? 1).slice(0, count);
}
