/** The review data that a command names. */
import { type CommandArguments, ProgressLine, type Streams } from 'lowrank/internal';
import { type LoadReviewDataOptions, loadReviewData } from '../readers/loadReviewData';
import type { ReviewSplits } from '../reviewExample';
import { dataPath } from './tasks';

/** Loads it. The first command makes the lint reviews, and shows its progress. */
export async function reviewData(
  args: CommandArguments,
  { stderr }: Streams,
  options: Pick<LoadReviewDataOptions, 'task' | 'nodeModules' | 'cacheDir'> = {},
): Promise<ReviewSplits> {
  const progress = new ProgressLine(args, stderr);
  try {
    return await loadReviewData({
      ...options,
      path: dataPath(args),
      onProgress: ({ packagesDone, packages }) => progress.count('reading packages', { done: packagesDone, total: packages }),
    });
  } finally {
    progress.clear();
  }
}
