import { compile, tf } from 'lowrank';
import { describe, expect, test } from 'vitest';
import { definedFunctions } from '../bindingSpies';
import { nothingLeft, values } from '../scoped';

nothingLeft();

/** Compiles a function, calls it once and disposes of it. */
function once(fn: (x: tf.Tensor) => tf.Tensor, name: string): number[] {
  const compiled = compile(fn, { name });
  const result = tf.tidy(() => values(compiled(tf.tensor1d([-2, 3]))));
  compiled.dispose();
  return result;
}

describe('a function that does what another one does', () => {
  test('is that one, also when nobody uses it any more', async () => {
    expect(await definedFunctions(() => expect(once((x) => x.mul(2).add(1), 'again')).toEqual([-3, 7]))).toEqual(['again']);
    expect(await definedFunctions(() => expect(once((x) => x.mul(2).add(1), 'again')).toEqual([-3, 7]))).toEqual([]);
  });

  test('is another one where a constant, an operation, the order or the name differs', async () => {
    const functions = [
      (x: tf.Tensor) => x.mul(2).add(1),
      (x: tf.Tensor) => x.mul(2).add(-1),
      (x: tf.Tensor) => x.mul(2).sub(1),
      (x: tf.Tensor) => x.add(1).mul(2),
    ];
    const results: number[][] = [];
    const run = (name: string) => () => results.push(...functions.map((fn) => once(fn, name)));
    expect(await definedFunctions(run('one'))).toEqual(['one', 'one', 'one', 'one']);
    expect(await definedFunctions(run('other'))).toEqual(['other', 'other', 'other', 'other']);
    expect(results.slice(0, 4)).toEqual([
      [-3, 7],
      [-5, 5],
      [-5, 5],
      [-2, 8],
    ]);
    expect(results.slice(4)).toEqual(results.slice(0, 4));
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0])('is another one where an attribute is %d', (slope) => {
    const leaky = (x: tf.Tensor) => tf.leakyRelu(x, slope);
    expect(once(leaky, 'leaky')).toEqual(tf.tidy(() => values(leaky(tf.tensor1d([-2, 3])))));
  });
});

test('of the functions that nobody uses 32 are kept, and what they call', async () => {
  const inner = compile((x: tf.Tensor) => x.square(), { name: 'inner' });
  const outer = (x: tf.Tensor) => inner(x).add(1);
  expect(await definedFunctions(() => once(outer, 'outer'))).toEqual(['inner', 'outer']);
  inner.dispose();
  for (let n = 0; n < 31; n++) once((x) => x.add(n), 'filler');
  const begin = compile((x: tf.Tensor) => x.square(), { name: 'inner' });
  const same = (x: tf.Tensor) => begin(x).add(1);
  expect(await definedFunctions(() => expect(once(same, 'outer')).toEqual([5, 10]))).toEqual([]);
  begin.dispose();
  for (let n = 0; n < 64; n++) once((x) => x.sub(n), 'filler'); // what a function calls is unused from when that function is given up
  expect(await definedFunctions(() => expect(once((x) => x.square(), 'inner')).toEqual([4, 9]))).toEqual(['inner']);
});

test('a function in use is kept, however many others are given up', async () => {
  const kept = compile((x: tf.Tensor) => x.add(0.5), { name: 'kept' });
  tf.tidy(() => values(kept(tf.tensor1d([1, 2]))));
  for (let n = 0; n < 40; n++) once((x) => x.div(n + 1), 'filler');
  expect(tf.tidy(() => values(kept(tf.tensor1d([1, 2]))))).toEqual([1.5, 2.5]);
  expect(await definedFunctions(() => once((x) => x.add(0.5), 'kept'))).toEqual([]);
  kept.dispose();
});
