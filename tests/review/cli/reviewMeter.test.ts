import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ReviewMeter } from '../../../lib/review/src/cli/reviewMeter';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('a review counts what the tasks to come will take, from what share of the hunks got so far before', () => {
  const meter = new ReviewMeter(64, ['necessity', 'comment']);
  const after = (seconds: number, ...told: Parameters<ReviewMeter['answered']>) => {
    vi.advanceTimersByTime(1000 * seconds);
    return meter.answered(...told);
  };
  expect(after(8, 'necessity', 16, 32)).toBe('0 of 64 hunks reviewed · necessity 16 of 32 · at least 24 s left'); // half a second each
  expect(after(8, 'necessity', 32, 32)).toBe('0 of 64 hunks reviewed · necessity 32 of 32 · at least 16 s left');
  expect(after(16, 'comment', 8, 8)).toBe('0 of 64 hunks reviewed · comment 8 of 8 · 32 s left'); // a quarter needs one, 2 s each
  meter.finished(32);
  expect(after(16, 'necessity', 32, 32)).toBe('32 of 64 hunks reviewed · necessity 32 of 32 · 16 s left');
});
