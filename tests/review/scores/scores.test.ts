import fc from 'fast-check';
import { ArgumentError } from 'lowrank';
import { binaryScores, bootstrapInterval, exactMatch, perplexity, thresholdCurve } from 'lowrank-review';
import { describe, expect, test } from 'vitest';

describe('exactMatch', () => {
  test('collapses white space and minds capitals', () => {
    expect(exactMatch(['a  b\n c', 'A', 'x', ''], [' a b c ', 'a', 'x', ' \t'])).toBe(75);
  });

  test('refuses lists of different length', () => {
    expect(() => exactMatch(['a'], ['a', 'b'])).toThrow(/1 predictions and 2 references/);
  });
});

describe('binaryScores', () => {
  test('counts positives that need a review', () => {
    const scores = binaryScores([true, true, true, false, false], [true, true, false, true, false]);
    expect(scores).toMatchObject({ truePositives: 2, falsePositives: 1, falseNegatives: 1, trueNegatives: 1 });
    expect(scores.precision).toBeCloseTo(2 / 3, 12);
    expect(scores.recall).toBeCloseTo(2 / 3, 12);
    expect(scores.f1).toBeCloseTo(2 / 3, 12);
    expect(scores.accuracy).toBe(0.6);
  });

  test.each([0, 1, 'yes', undefined])('refuses %j as an answer or a label', (other) => {
    const odd = [true, other] as boolean[]; // as JavaScript may pass it
    expect(() => binaryScores(odd, [true, true])).toRefuse(ArgumentError, /predictions\[1\] is .*(true or false|missing)/);
    for (const score of [() => binaryScores([true, true], odd), () => thresholdCurve([1, 1], odd)])
      expect(score).toRefuse(ArgumentError, /labels\[1\] is .*(true or false|missing)/);
  });

  test('calls a ratio of nothing to nothing 0', () => {
    expect(binaryScores([false], [false])).toMatchObject({ precision: 0, recall: 0, f1: 0, accuracy: 1 });
    expect(binaryScores([true], [false])).toMatchObject({ precision: 0, recall: 0, f1: 0, accuracy: 0 });
  });

  test('gives F1 as the harmonic mean of precision and recall', () => {
    const answers = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(answers, (pairs) => {
        const { precision, recall, f1 } = binaryScores(
          pairs.map(([p]) => p),
          pairs.map(([, label]) => label),
        );
        expect(f1).toBeCloseTo(precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall), 12);
      }),
    );
  });
});

describe('thresholdCurve', () => {
  test('gives the scores of answering yes from each probability on', () => {
    const curve = thresholdCurve([0.9, 0.2, 0.9, 0.5], [true, false, false, true]);
    expect(curve.map(({ threshold, precision, recall }) => [threshold, precision, recall])).toEqual([
      [0.9, 0.5, 0.5],
      [0.5, 2 / 3, 1],
      [0.2, 0.5, 1],
    ]);
  });

  test('agrees with binaryScores at every threshold', () => {
    const rows = fc.array(
      fc.tuple(
        fc.integer({ min: 0, max: 5 }).map((n) => n / 5),
        fc.boolean(),
      ),
      { minLength: 1, maxLength: 20 },
    );
    fc.assert(
      fc.property(rows, (pairs) => {
        const labels = pairs.map(([, label]) => label);
        for (const { threshold, ...scores } of thresholdCurve(
          pairs.map(([p]) => p),
          labels,
        )) {
          expect(scores).toEqual(
            binaryScores(
              pairs.map(([p]) => p >= threshold),
              labels,
            ),
          );
        }
      }),
    );
  });

  test('refuses what is no probability', () => {
    expect(() => thresholdCurve([Number.NaN], [true])).toThrow(ArgumentError);
    expect(() => thresholdCurve([1.5], [true])).toThrow(/1.5 is not in 0…1/);
  });
});

describe('perplexity', () => {
  test('weighs batches by their tokens', () => {
    expect(perplexity([Math.log(2), Math.log(8)], [3, 1])).toBeCloseTo(2 ** 1.5, 12);
  });

  test('leaves out a batch without tokens, whose loss is no number', () => {
    expect(perplexity([Number.NaN, 0], [0, 5])).toBe(1);
  });

  test('refuses to divide by no tokens', () => {
    expect(() => perplexity([1], [0])).toThrow(ArgumentError);
    expect(() => perplexity([1], [])).toThrow(ArgumentError);
  });
});

describe('bootstrapInterval', () => {
  const values = Array.from({ length: 200 }, (_, i) => i % 10);

  test('holds the mean, and about ±1.96 standard errors around it', () => {
    const { value, low, high } = bootstrapInterval(values, { resamples: 2000 });
    const error = Math.sqrt(8.25 / 200);
    expect(value).toBe(4.5);
    expect(low).toBeCloseTo(4.5 - 1.96 * error, 1);
    expect(high).toBeCloseTo(4.5 + 1.96 * error, 1);
  });

  test('repeats itself with the same seed only', () => {
    expect(bootstrapInterval(values, { seed: 3 })).toEqual(bootstrapInterval(values, { seed: 3 }));
    expect(bootstrapInterval(values, { seed: 3 })).not.toEqual(bootstrapInterval(values, { seed: 4 }));
  });

  test('takes any statistic of any examples', () => {
    const pairs = values.map((value) => ({ answer: value > 3, label: value > 4 }));
    const statistic = (drawn: readonly { answer: boolean; label: boolean }[]) =>
      binaryScores(
        drawn.map(({ answer }) => answer),
        drawn.map(({ label }) => label),
      ).f1;
    const { value, low, high } = bootstrapInterval(pairs, { statistic, resamples: 300 });
    expect(value).toBeCloseTo(10 / 11, 12);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
  });

  test('has no width when all values are the same', () => {
    expect(bootstrapInterval([2, 2, 2])).toEqual({ value: 2, low: 2, high: 2 });
  });

  test('refuses nothing to draw from and levels that are no share', () => {
    expect(() => bootstrapInterval([])).toThrow(ArgumentError);
    expect(() => bootstrapInterval([1], { level: 95 })).toThrow(/level 95/);
    expect(() => bootstrapInterval([1], { resamples: 0 })).toThrow(ArgumentError);
  });
});

test('more resamples than memory holds are refused', () => {
  expect(() => bootstrapInterval([1, 2], { resamples: 10 ** 10 })).toThrow('resamples 10000000000 is more than 10,000,000');
});
