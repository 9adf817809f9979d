import { ArgumentError } from 'lowrank';
import { dataCard, type ReviewExample, type ReviewSplits } from 'lowrank-review';
import { describe, expect, test } from 'vitest';
import { letterTokenizer } from './letterModel';

const review = (id: string, code: string, rest: Partial<ReviewExample> = {}): ReviewExample => ({
  id,
  source: 'lint',
  language: 'javascript',
  patch: `@@ -1,1 +1,1 @@\n+${code}`,
  code,
  needsReview: true,
  comment: `say ${id}`,
  ...rest,
});
const splits: ReviewSplits = {
  train: [
    review('a', 'let a;'),
    review('b', 'let  a;'),
    review('c', 'let a;', { comment: 'say a', refinedCode: 'x' }),
    review('d', 'fine();', { needsReview: false, comment: undefined, language: 'go' }),
  ],
  validation: [review('e', 'let e;', { language: '' })],
  test: [review('f', 'let a;', { comment: 'say a' }), { id: 'g', source: 'codereviewer', language: 'go', patch: '@@ -1 +1 @@\n+fine();' }],
};

describe('dataCard', () => {
  const card = dataCard(splits, { tokenizer: letterTokenizer });

  test.each([0, -5, 0.5, Number.NaN])('refuses to measure %j examples', (maxMeasured) => {
    expect(() => dataCard(splits, { tokenizer: letterTokenizer, maxMeasured })).toRefuse(
      ArgumentError,
      /^maxMeasured .* is not a whole number/,
    );
  });

  test('counts examples per part and task', () => {
    expect(card.counts).toEqual([
      { part: 'train', examples: 4, 'necessity, yes': 3, 'necessity, no': 1, comment: 3, refinement: 1 },
      { part: 'validation', examples: 1, 'necessity, yes': 1, 'necessity, no': 0, comment: 1, refinement: 0 },
      { part: 'test', examples: 2, 'necessity, yes': 1, 'necessity, no': 0, comment: 1, refinement: 0 },
    ]);
  });

  test('finds the same code, whatever its white space, and the same comment', () => {
    expect(card.duplicates[0]).toEqual({
      part: 'train',
      examples: 4,
      'same code again': 2,
      'same code and comment again': 1,
      'same comment again': 1,
    });
  });

  test('finds what two parts have in common, also where one gives code and the other a patch', () => {
    expect(card.leakage[1]).toMatchObject({ parts: 'train and test', 'examples with code of both': 2, 'with a comment of both': 1 });
    expect(card.leakage[0]).toMatchObject({ parts: 'train and validation', 'examples with code of both': 0 });
  });

  test('counts languages', () => {
    expect(card.languages).toEqual([
      { language: 'javascript', train: 3, validation: 0, test: 1 },
      { language: 'go', train: 1, validation: 0, test: 1 },
      { language: 'not said', train: 0, validation: 1, test: 0 },
    ]);
  });

  test('measures prompt, response and end token together', () => {
    const row = card.lengths.find(({ part, task }) => part === 'validation' && task === 'necessity');
    expect(row).toMatchObject({ 'examples measured': 1, median: row?.longest });
    const shorter = dataCard({ ...splits, validation: [review('e', 'let', { language: '' })] }, { tokenizer: letterTokenizer });
    const other = shorter.lengths.find(({ part, task }) => part === 'validation' && task === 'necessity');
    expect(Number(row?.median) - Number(other?.median)).toBe(3);
  });

  test('draws how many examples fit into a length, up to all of them', () => {
    for (const { points } of card.lengthCurves) {
      expect(points.at(-1)?.y).toBe(100);
      for (const [i, { x, y }] of points.entries()) {
        expect(x).toBeGreaterThanOrEqual(points[i - 1]?.x ?? 0);
        expect(y).toBeGreaterThanOrEqual(points[i - 1]?.y ?? 0);
      }
    }
    expect(dataCard(splits).lengthCurves).toEqual([]);
  });
});
