/** The two code books of NF4 with double quantisation. */

/**
 * The 16 values of NormalFloat 4: quantiles of a normal distribution, scaled to −1…1, with an exact 0 (Dettmers et al. 2023, "QLoRA",
 * arXiv 2305.14314, appendix E).
 */
export const NF4_CODE: Float32Array = Float32Array.of(
  -1.0,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0.0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1.0,
);

/**
 * The 256 possible values of the stored scales: a sign, a decimal exponent in unary, and a linear fraction in the remaining bits
 * (Dettmers 2016, arXiv 1511.04561), computed as by bitsandbytes' `create_dynamic_map`, in float32.
 */
export const DYNAMIC_CODE: Float32Array = dynamicCode();

function dynamicCode(): Float32Array {
  const values = [0, 1];
  for (let exponent = 0; exponent < 7; exponent++) {
    const power = Math.fround(10 ** (exponent - 6));
    for (const mean of centres(2 ** exponent)) values.push(power * mean, -power * mean);
  }
  return Float32Array.from(values).sort();
}

/** The middles of `count` equal parts of 0.1…1. */
function centres(count: number): number[] {
  const bounds = linspace(0.1, 1, count + 1);
  return Array.from({ length: count }, (_, i) => Math.fround(Math.fround((bounds[i] as number) + (bounds[i + 1] as number)) / 2));
}

/** Evenly spaced float32 values, counted from both ends to the middle, as torch does. */
function linspace(first: number, last: number, count: number): number[] {
  const [from, to] = [Math.fround(first), Math.fround(last)];
  const step = Math.fround(Math.fround(to - from) / (count - 1));
  const middle = Math.floor(count / 2);
  return Array.from({ length: count }, (_, i) => Math.fround(i < middle ? from + step * i : to - step * (count - 1 - i)));
}

/** The index of the nearest value in a sorted code book; the lower one of two equally near values. */
export function nearestCode(bounds: Float32Array, value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value > (bounds[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The midpoints between neighbours of a code book. */
export function boundsOf(code: Float32Array): Float32Array {
  return Float32Array.from({ length: code.length - 1 }, (_, i) => Math.fround((code[i] as number) + (code[i + 1] as number)) / 2);
}
