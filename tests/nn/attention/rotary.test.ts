import fc from 'fast-check';
import { ArgumentError, applyRotary, rotaryTables, ShapeError, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { rotaryFrequencies } from '../../../lib/lowrank/src/nn';
import { expectClose } from '../../llama/golden';
import { expectNoLeak, expectSame, random } from '../compare';

/** Rotates each pair (i, i + D/2) as a complex number, one by one. */
function rotated(x: number[][], positions: readonly number[], theta: number): number[][] {
  return x.map((row, t) => {
    const half = row.length / 2;
    const out = [...row];
    for (let i = 0; i < half; i++) {
      const angle = (positions[t] ?? 0) * theta ** ((-2 * i) / row.length);
      const [a = 0, b = 0] = [row[i], row[i + half]];
      out[i] = a * Math.cos(angle) - b * Math.sin(angle);
      out[i + half] = a * Math.sin(angle) + b * Math.cos(angle);
    }
    return out;
  });
}

test('each pair turns by its position times its frequency', () => {
  const shape = fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 40 }));
  fc.assert(
    fc.property(shape, fc.constantFrom(100, 10_000), ([T, half, first], theta) => {
      const positions = Array.from({ length: T }, (_, t) => first + t);
      expectClose(() => {
        const x = random([1, 1, T, 2 * half], 3);
        const tables = rotaryTables(tf.tensor1d(positions), { headDim: 2 * half, theta });
        const expected = rotated(x.squeeze<tf.Tensor2D>([0, 1]).arraySync(), positions, theta);
        return [applyRotary(x, tables), tf.tensor2d(expected).reshape([1, 1, T, 2 * half])];
      });
    }),
    { numRuns: 25 },
  );
});

test('positions may differ by row, and the gradient is the rotation back', () => {
  tf.tidy(() => {
    const tables = rotaryTables(
      tf.tensor2d([
        [0, 1, 2],
        [0, 0, 1],
      ]),
      { headDim: 4, theta: 10 },
    );
    const plain = (x: tf.Tensor) => {
      const [a, b] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
      const [cos, sin] = [tables.cos.slice([0, 0, 0, 0], [2, 1, 3, 2]), tables.sin.slice([0, 0, 0, 2], [2, 1, 3, 2])];
      return tf.concat([a.mul(cos).sub(b.mul(sin)), a.mul(sin).add(b.mul(cos))], -1);
    };
    expectSame((x) => applyRotary(x, tables), plain, [[2, 3, 3, 4]]);
    expectNoLeak((x) => applyRotary(x, tables), [[2, 3, 3, 4]]);
  });
});

test('scores depend on the distance of two positions alone', () => {
  const score = (q: number, k: number) =>
    tf.tidy(() => {
      const at = (position: number, seed: number) =>
        applyRotary(random([1, 1, 1, 8], seed), rotaryTables(tf.tensor1d([position]), { headDim: 8 }));
      return at(q, 1).mul(at(k, 2)).sum().dataSync()[0] ?? Number.NaN;
    });
  expect(score(7, 3)).toBeCloseTo(score(104, 100), 4);
  expect(Math.abs(score(7, 3) - score(8, 3))).toBeGreaterThan(1e-3);
});

describe('scaling', () => {
  test('of a kind that is not computed here is refused', () => {
    const scaling = { ropeType: 'yarn', factor: 2 } as never;
    expect(() => rotaryFrequencies({ headDim: 16, scaling })).toRefuse(
      ArgumentError,
      'scaling.ropeType "yarn" is none of "linear", "llama3"',
    );
  });

  const plain = [...rotaryFrequencies({ headDim: 16, theta: 500 })];

  test('linear divides every frequency', () => {
    const scaled = rotaryFrequencies({ headDim: 16, theta: 500, scaling: { ropeType: 'linear', factor: 4 } });
    expect([...scaled]).toEqual(plain.map((frequency) => Math.fround(frequency / 4)));
  });

  test("llama3 keeps fast waves, divides slow ones, and lies between for the rest, by the formula of Meta's code", () => {
    const [factor, low, high, context] = [8, 1, 4, 64];
    const scaling = {
      ropeType: 'llama3',
      factor,
      lowFreqFactor: low,
      highFreqFactor: high,
      originalMaxPositionEmbeddings: context,
    } as const;
    const expected = plain.map((frequency) => {
      const wave = (2 * Math.PI) / frequency;
      if (wave < context / high) return frequency;
      if (wave > context / low) return frequency / factor;
      const smooth = (context / wave - low) / (high - low);
      return ((1 - smooth) * frequency) / factor + smooth * frequency;
    });
    const scaled = [...rotaryFrequencies({ headDim: 16, theta: 500, scaling })];
    for (const [i, frequency] of expected.entries()) expect((scaled[i] ?? 0) / frequency).toBeCloseTo(1, 6);
    expect(scaled[0]).toBe(plain[0]);
    expect(scaled.at(-1)).toBeCloseTo((plain.at(-1) ?? 0) / 8, 8);
    expect(scaled.some((frequency, i) => frequency < (plain[i] ?? 0) && frequency > (plain[i] ?? 0) / 8.001 + 1e-6)).toBe(true);
  });
});

test('a head of odd width and heads of another rank are refused', () => {
  expect(() => rotaryFrequencies({ headDim: 3 })).toRefuse(ArgumentError, 'width 3 is not even');
  tf.tidy(() => {
    const tables = rotaryTables(tf.tensor1d([0]), { headDim: 2 });
    expect(() => applyRotary(tf.zeros([1, 2]), tables)).toThrow(ShapeError);
  });
});
