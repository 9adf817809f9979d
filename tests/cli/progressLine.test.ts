import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CommandArguments } from '../../lib/lowrank/src/cli/arguments/commandArguments';
import { ProgressLine } from '../../lib/lowrank/src/cli/progressLine';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** What is written while this many parts, a second each, are gone through. */
function written(parts: number, stream: { isTTY: boolean; columns?: number }, words: readonly string[] = []): string[] {
  const texts: string[] = [];
  const line = new ProgressLine(new CommandArguments({ summary: '', options: { quiet: { help: '' } } }, words), {
    ...stream,
    write: (text) => texts.push(text),
  });
  for (let done = 1; done <= parts; done++) {
    vi.advanceTimersByTime(1000);
    line.count('writing', { done, total: parts });
  }
  line.clear();
  return texts;
}

test('a terminal gets one line that renews itself and goes away, also where it says that it has 0 columns', () => {
  const lines = ['writing: 1 of 3 · 2 s left', 'writing: 2 of 3 · 1 s left'].map((text) => `\r\u001b[K${text}`);
  expect(written(3, { isTTY: true, columns: 0 })).toEqual([...lines, '\r\u001b[K']);
  expect(written(3, { isTTY: true, columns: 11 })[0]).toBe('\r\u001b[Kwriting: 1');
});

test('a pipe gets a line every ten seconds', () => {
  expect(written(25, { isTTY: false })).toEqual(['writing: 10 of 25 · 15 s left\n', 'writing: 20 of 25 · 5 s left\n']);
});

test('work that is over in a second, and --quiet, show nothing', () => {
  expect(written(1, { isTTY: true })).toEqual([]);
  expect(written(9, { isTTY: false })).toEqual([]);
  expect(written(30, { isTTY: true }, ['--quiet'])).toEqual([]);
});

test('work of another name is measured from its own beginning', () => {
  const texts: string[] = [];
  const line = new ProgressLine(new CommandArguments({ summary: '', options: { quiet: { help: '' } } }, []), {
    isTTY: true,
    write: (text) => texts.push(text),
  });
  for (const [work, seconds, done] of [
    ['merging', 100, 9],
    ['writing', 2, 1],
    ['writing', 2, 2],
  ] as const) {
    vi.advanceTimersByTime(1000 * seconds);
    line.count(work, { done, total: 10, as: 'percent' });
  }
  expect(texts.map((text) => text.slice(4))).toEqual([
    'merging: 90 % · 11 s left',
    'writing: 10 % · 18 s left',
    'writing: 20 % · 16 s left',
  ]);
});
