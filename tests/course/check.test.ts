import { DataFrame } from 'danfojs-node';
import { tf } from 'lowrank';
import { check } from 'lowrank-course';
import polars from 'nodejs-polars';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

let printed = '';
beforeEach(() => {
  printed = '';
  vi.spyOn(console, 'log').mockImplementation((text: string) => {
    printed += text;
  });
});
afterEach(() => vi.restoreAllMocks());

/** What the check says of an answer. */
function said(...given: Parameters<typeof check>): string {
  check(...given);
  return printed;
}

describe('check', () => {
  it('invites to an answer while there is none', () => {
    expect(said(undefined, 384)).toMatch(/^… no answer yet/);
  });

  it.each<[string, unknown, unknown]>([
    ['a count', 12_288, 12_288],
    ['a number up to rounding', 1 / 3, 0.33334],
    ['a text with blanks around it', ' B ', 'B'],
    ['a truth', false, false],
    ['an array', [1, 2.000001], [1, 2.000002]],
    ['a typed array', Float32Array.of(1, 2), [1, 2]],
    ['a record', { A: 0, B: [1] }, { B: [1], A: 0 }],
    ['a frame of polars', polars.DataFrame({ r: [8, 16] }), [{ r: 8 }, { r: 16 }]],
    ['a frame of danfojs', new DataFrame([{ r: 8 }, { r: 16 }]), [{ r: 8 }, { r: 16 }]],
  ])('accepts %s', (_what, answer, expected) => {
    expect(said(answer, expected)).toBe('✓ right');
  });

  it.each<[string, unknown, unknown, string]>([
    ['a count that is one off', 12_289, 12_288, '✗ 12,289 is too large'],
    ['a number half as large', 192, 384, '✗ 192 is too small, by a factor of 2'],
    ['a share for a percentage', 0.0078125, 0.78125, '✗ 0.0078125 is too small, by a factor of 100'],
    ['the wrong sign', -0.5, 0.5, '✗ -0.5 has the wrong sign'],
    ['no number', Number.NaN, 1, '✗ NaN is not a number that can be right'],
    ['a text for a number', '384', 384, '✗ there is a string, and it should be a number'],
    ['a promise', Promise.resolve(1), 1, '✗ there is a promise (await it), and it should be a number'],
    ['another text', 'A', 'B', "✗ 'A' is not right"],
    ['a short array', [1], [1, 2], '✗ it has length 1 and should have 2'],
    ['a wrong element', [1, 5], [1, 2], '✗ at [1], 5 is too large'],
    ['a missing field', { A: 1 }, { A: 1, B: 2 }, "✗ 'B' is missing"],
    ['a field too many', { A: 1, C: 2 }, { A: 1 }, "✗ 'C' should not be there"],
    ['a wrong field', { A: 1 }, { A: 0.7 }, "✗ in 'A', 1 is too large"],
    ['a wrong cell of a frame', polars.DataFrame({ r: [8, 12] }), [{ r: 8 }, { r: 16 }], "✗ at [1], in 'r', 12 is too small"],
  ])('says what is wrong with %s', (_what, answer, expected, message) => {
    expect(said(answer, expected)).toBe(message);
  });

  it('compares tensors by shape and values, and leaves none behind', () => {
    const [ones, row, near, far] = [tf.ones([2, 2]), tf.ones([4]), tf.fill([2, 2], 1.00001), tf.tensor2d([1, 1, 1, 3], [2, 2])];
    const before = tf.memory().numTensors;
    expect(said(near, ones)).toBe('✓ right');
    printed = '';
    expect(said(row, ones)).toBe('✗ the shape is [4] and should be [2, 2]');
    printed = '';
    expect(said(far, ones)).toBe('✗ the values differ, most at [1, 1]: 3 there');
    printed = '';
    expect(
      said(
        tf.tidy(() => tf.keep(ones.mul(Number.NaN))),
        ones,
      ),
    ).toMatch(/^✗ the values differ/);
    expect(tf.memory().numTensors).toBe(before + 1);
    tf.disposeVariables();
    tf.dispose([ones, row, near, far]);
  });

  it('tries a function on its inputs, and says on which of them it is wrong', () => {
    const on = [[8], [16]] as const;
    const size = (r: unknown) => 2 * 768 * Number(r);
    expect(said(size, [12_288, 24_576], { on })).toBe('✓ right');
    printed = '';
    expect(said((r: number) => (r === 8 ? 12_288 : 0), size, { on })).toBe('✗ on (16): 0 is too small');
    printed = '';
    expect(said(() => undefined, size, { on })).toMatch(/^… no answer yet/);
  });

  it('catches what an answer throws', () => {
    const broken = () => {
      throw new Error('not written');
    };
    expect(said(broken, [1], { on: [[8]] })).toBe('✗ on (8): it throws “not written”');
  });

  it('hints, and knows the usual slips', () => {
    expect(said(5, 7, { hint: 'count both factors' })).toBe('✗ 5 is too small\n  Hint: count both factors');
    printed = '';
    expect(said(768, 384, { slips: [{ answer: 768, because: 'that is the width' }] })).toBe('✗ that is the width');
  });

  it('takes a tolerance', () => {
    expect(said(98, 100, { tolerance: 0.05 })).toBe('✓ right');
  });

  it('refuses a function without what it should return', () => {
    expect(() => check(() => 1, [1], { on: [[1], [2]] })).toThrow('one result for each argument list');
  });
});
