import fc from 'fast-check';
import { ArgumentError } from 'lowrank';
import { bleu4 } from 'lowrank-review';
import { describe, expect, test } from 'vitest';
import { sentenceBleu4 } from '../../../lib/review/src/scores/bleu4';
import { stopWords } from '../../../lib/review/src/scores/stopWords';

/** Prediction, reference, score with stop words kept and removed, as CodeReviewer's own script computes them. */
const goldens: readonly [string, string, number, number][] = [
  ['This method should be private.', 'This method should be private.', 100, 100],
  ['This should be private.', 'This method should be private, right?', 32.26, 35.02],
  ['Why is this needed?', 'Why do we need this change?', 22.66, 44.96],
  ['', 'Please fix', 13.53, 13.53],
  ['return x + 1;', 'return x+1;', 100, 100],
  ['if (a == null) { return; }', 'if (a == null) { return null; }', 79.79, 77.72],
  ['Looks good, but rename `foo_bar` to `fooBar`.', 'Can you rename `foo_bar` to `fooBar` please?', 64.75, 67.15],
  ['alpha beta', 'gamma delta', 0, 0],
];

describe('bleu4', () => {
  test.each(goldens)('scores %j against %j as CodeReviewer does', (prediction, reference, kept, removed) => {
    expect(bleu4([prediction], [reference])).toBe(kept);
    expect(bleu4([prediction], [reference], { removeStopWords: true })).toBe(removed);
  });

  test('is the mean over the pairs', () => {
    const predictions = goldens.map(([prediction]) => prediction);
    const references = goldens.map(([, reference]) => reference);
    expect(bleu4(predictions, references)).toBeCloseTo(goldens.reduce((sum, golden) => sum + golden[2], 0) / goldens.length, 1);
  });

  test('removes a stop word in lower case only', () => {
    const [kept] = sentenceBleu4(['This'], ['This this'], { removeStopWords: true });
    expect(kept).toBeCloseTo(100, 10);
  });

  test('reads letters of every script as letters, as Python does and plain \\w does not', () => {
    // naïve, größe and 変数 are one word each; with ASCII's \w each would fall into pieces that match by chance.
    expect(bleu4(['naïve größe 変数'], ['naïf große 定数'])).toBe(0);
    expect(bleu4(['Größe'], ['größe'])).toBe(100);
  });

  test('takes a no-break space for white space and a byte order mark for a character', () => {
    expect(bleu4(['a\u00a0b'], ['a b'])).toBe(100);
    expect(bleu4(['a\ufeffb'], ['a b'])).toBeLessThan(100);
  });

  test('takes an empty reference and an empty prediction for equal', () => {
    expect(bleu4([''], [''])).toBe(100); // 0/0 counts as 1, as in the script
  });

  test('has 592 stop words, all in lower case, with the slips of the list', () => {
    expect(stopWords.size).toBe(592);
    expect([...stopWords].every((word) => word === word.toLowerCase())).toBe(true);
    expect([stopWords.has('zer'), stopWords.has('else'), stopWords.has('a'), stopWords.has("don't")]).toEqual([true, false, false, true]);
  });

  test('refuses lists of different length and empty ones', () => {
    expect(() => bleu4(['a'], [])).toThrow(ArgumentError);
    expect(() => bleu4([], [])).toThrow(ArgumentError);
  });

  test('survives what a model may write', () => {
    for (const text of ['\ud800', 'a\0b', '__proto__', 'constructor toString', '🙂'.repeat(1000), 'x'.repeat(1e6)]) {
      expect(bleu4([text], ['some comment'])).toBe(0);
      expect(Number.isFinite(bleu4([text], [text]))).toBe(true);
    }
    expect(bleu4(['\t\n'], ['Please fix'])).toBe(13.53); // white space alone is an empty prediction
    expect(bleu4(['__proto__ constructor'], ['__proto__ constructor'])).toBe(100);
  });

  test('is between 0 and 100, and 100 for equal texts with a word', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 80 });
    fc.assert(
      fc.property(text, text, fc.boolean(), (a, b, removeStopWords) => {
        const score = bleu4([a], [b], { removeStopWords });
        expect(score).toBeGreaterThanOrEqual(0);
        expect(score).toBeLessThanOrEqual(100);
        expect(bleu4([`${a} word`], [`${a} word`], { removeStopWords })).toBe(100);
      }),
    );
  });

  test('scores 10,000 pairs in under 3 seconds', () => {
    const predictions = Array.from(
      { length: 10_000 },
      (_, i) => `Could you rename variable_${i} here, please? It is used ${i} times in this loop and shadows another one.`,
    );
    const references = predictions.map((prediction) => prediction.replace('rename', 'remove').replace('shadows', 'hides'));
    const start = performance.now();
    bleu4(predictions, references, { removeStopWords: true });
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
