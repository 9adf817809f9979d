/** Answers that need no model, which a method must beat. */
import type { ReviewTask } from '../prompts';
import type { ReviewExample, ReviewSplits } from '../reviewExample';
import type { OTHER_ROWS } from './experimentConfig';

/** The answers of one such rule to the test examples. */
export interface TrivialAnswers {
  readonly name: Exclude<(typeof OTHER_ROWS)[number], 'base'>;
  readonly answers: readonly string[];
}

/** Necessity: always yes. Comment: the most frequent comment of the training part. Refinement: the unchanged code. */
export function trivialAnswers(task: ReviewTask, { train, test }: ReviewSplits): TrivialAnswers {
  if (task === 'necessity') return { name: 'always yes', answers: test.map(() => 'yes') };
  if (task === 'refinement') return { name: 'copied code', answers: test.map(({ code = '' }) => code) };
  const comment = mostFrequent(train);
  return { name: 'most frequent comment', answers: test.map(() => comment) };
}

function mostFrequent(examples: readonly ReviewExample[]): string {
  const counts = new Map<string, number>();
  for (const { comment = '' } of examples) counts.set(comment, (counts.get(comment) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first?.[0] ?? '';
}
