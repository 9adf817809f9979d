/** TensorFlow's stateless random numbers, number for number: Philox 4 × 32 in 10 rounds (Salmon et al. 2011), keyed as TensorFlow does. */

/** Four words of 32 bits. */
type Words = readonly [number, number, number, number];

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const KEY_STEPS = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;

/** The key under which `tensorflow/core/kernels/stateless_random_ops.cc` mixes seeds once. */
const SCRAMBLING_KEY = [0x3ec8f720, 0x02461e29] as const;

/** Below this Box and Muller's logarithm is not taken (`random_distributions.h`). */
const LEAST = Math.fround(1e-7);

/** Numbers in [0, 1), equal to those of `StatelessRandomUniform`. */
export function uniforms(seeds: readonly [number, number], count: number): Float32Array {
  const values = new Float32Array(count);
  let index = 0;
  for (const words of groups(seeds, count)) for (const word of words) values[index++] = unit(word); // what is too many is dropped
  return values;
}

/** Standard normal numbers, equal to those of `StatelessRandomNormal` up to the rounding of sine and logarithm. */
export function normals(seeds: readonly [number, number], count: number): Float32Array {
  const values = new Float32Array(count);
  let index = 0;
  for (const [a, b, c, d] of groups(seeds, count)) {
    for (const [first, second] of [
      [a, b],
      [c, d],
    ] as const) {
      const angle = Math.fround(2 * Math.PI * unit(second));
      const radius = Math.sqrt(-2 * Math.log(Math.max(unit(first), LEAST)));
      values[index++] = Math.sin(angle) * radius;
      values[index++] = Math.cos(angle) * radius;
    }
  }
  return values;
}

/** Fours of words, enough for so many values. */
function* groups([low, high]: readonly [number, number], count: number): Generator<Words> {
  const signs = [low < 0 ? -1 : 0, high < 0 ? -1 : 0] as const; // the seeds are widened to 64 bits
  const [a, b, c, d] = philox([low, signs[0], high, signs[1]], SCRAMBLING_KEY);
  for (let block = 0; block * 4 < count; block++) yield philox([block, 0, c, d], [a, b]);
}

function philox(counter: Words, [first, second]: readonly [number, number]): Words {
  let [a, b, c, d] = counter;
  for (let round = 0; round < ROUNDS; round++) {
    const key0 = (first + Math.imul(round, KEY_STEPS[0])) | 0;
    const key1 = (second + Math.imul(round, KEY_STEPS[1])) | 0;
    const [high0, high2] = [highProduct(MULTIPLIERS[0], a), highProduct(MULTIPLIERS[1], c)];
    const [low0, low2] = [Math.imul(MULTIPLIERS[0], a), Math.imul(MULTIPLIERS[1], c)];
    [a, b, c, d] = [high2 ^ b ^ key0, low2, high0 ^ d ^ key1, low0];
  }
  return [a, b, c, d];
}

/** The upper 32 bits of a product of two words. */
function highProduct(x: number, y: number): number {
  const [xLow, xHigh, yLow, yHigh] = [x & 0xffff, x >>> 16, y & 0xffff, y >>> 16];
  const middle = xHigh * yLow + ((xLow * yLow) >>> 16);
  const carried = xLow * yHigh + (middle & 0xffff);
  return (xHigh * yHigh + Math.floor(middle / 0x10000) + Math.floor(carried / 0x10000)) | 0;
}

/** The lower 23 bits as the fraction of a float between 1 and 2, less 1. */
function unit(word: number): number {
  return (word & 0x7fffff) / 2 ** 23;
}
