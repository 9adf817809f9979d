import fc from 'fast-check';
import { ArgumentError, NotFiniteError } from 'lowrank';
import { expect, test } from 'vitest';
import { checkSampling, sampleToken } from '../../../lib/lowrank/src/llama/generation/sampling';
import { seededRandom } from '../../../lib/lowrank/src/runtime';

const logits = Float32Array.from([1, 3, 2, -1, 0.5]);

/** How often each token is drawn, of 20,000 times. */
function frequencies(options: Parameters<typeof sampleToken>[1]): number[] {
  const random = seededRandom(5);
  const counts = [0, 0, 0, 0, 0];
  for (let n = 0; n < 20_000; n++) {
    const id = sampleToken(logits, options, random);
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts.map((count) => count / 20_000);
}

/** softmax(logits / temperature) over some of them. */
function probabilities(temperature: number, ids: readonly number[] = [0, 1, 2, 3, 4]): number[] {
  const odds = [...logits].map((logit, id) => (ids.includes(id) ? Math.exp(logit / temperature) : 0));
  const sum = odds.reduce((a, b) => a + b);
  return odds.map((value) => value / sum);
}

// 20,000 draws: the standard error of a frequency is at most 0.0036.
test.each([
  ['temperature 1', { temperature: 1 }, probabilities(1)],
  ['temperature 0.5', { temperature: 0.5 }, probabilities(0.5)],
  ['temperature 3', { temperature: 3 }, probabilities(3)],
  ['the two likeliest', { temperature: 1, topK: 2 }, probabilities(1, [1, 2])],
  ['the nucleus of 0.8', { temperature: 1, topP: 0.8 }, probabilities(1, [1, 2])], // 0.61 + 0.22
  ['the nucleus of 0.6', { temperature: 1, topP: 0.6 }, probabilities(1, [1])],
  ['the nucleus after the three likeliest', { temperature: 1, topK: 3, topP: 0.95 }, probabilities(1, [0, 1, 2])],
])('tokens are drawn as often as %s says', (_, options, expected) => {
  for (const [id, frequency] of frequencies(options).entries()) {
    expect(Math.abs(frequency - (expected[id] ?? 0))).toBeLessThan(expected[id] === 0 ? 1e-9 : 0.015);
  }
});

test('whatever the logits, the draw is one of the candidates', () => {
  const any = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(
      any,
      fc.integer({ min: 1, max: 25 }),
      fc.double({ min: 0.01, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (values, topK, topP, at) => {
        const id = sampleToken(Float32Array.from(values), { temperature: 0.7, topK, topP }, () => at);
        const highest = values.reduce((most, value) => Math.max(most, value), -Infinity);
        const odds = values.map((value) => Math.exp((value - highest) / 0.7)); // logits that give the same odds are equal
        const rank = odds.filter((value) => value > (odds[id] ?? Number.NaN)).length;
        expect(rank).toBeLessThan(topK);
      },
    ),
  );
});

test.each([Number.NaN, Infinity])('a logit of %d is refused', (bad) => {
  const draw = () => sampleToken(Float32Array.from([1, bad, -Infinity]), { temperature: 1 }, () => 0.5);
  expect(draw).toRefuse(NotFiniteError, `the largest logit is ${bad}`);
  expect(sampleToken(Float32Array.from([1, -Infinity]), { temperature: 1 }, () => 0.99)).toBe(0);
});

test.each([
  [{ temperature: -1 }, 'temperature -1 is not 0 or above'],
  [{ temperature: Number.NaN }, 'temperature NaN'],
  [{ temperature: Infinity }, 'temperature Infinity'],
  [{ topP: 0 }, 'topP 0 is not above 0 and at most 1'],
  [{ topP: 1.1 }, 'topP 1.1'],
  [{ topK: 0 }, 'topK 0 is not a whole number from 1 up'],
  [{ topK: 1.5 }, 'topK 1.5'],
])('%o is refused', (options, message) => {
  expect(() => checkSampling(options)).toRefuse(ArgumentError, message);
});
