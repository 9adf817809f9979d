/** The arithmetic of packing: rounding to 16 bits or to integers, ties to even. */

const value = new Float32Array(1);
const word = new Uint32Array(value.buffer);

/** The bits of a number as bfloat16, the upper half of a float32. */
export function bfloat16Code(x: number): number {
  value[0] = x;
  const bits = word[0] as number;
  if (Number.isNaN(x)) return (bits >>> 16) | 0x40; // rounding could make it infinite
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff_0000) >>> 16;
}

/** The bits of a number as IEEE 754 half precision. */
export function float16Code(x: number): number {
  value[0] = x;
  const bits = word[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude >= 0x7f80_0000) return sign | (magnitude > 0x7f80_0000 ? 0x7e00 : 0x7c00); // NaN, infinity
  if (magnitude >= 0x477f_f000) return sign | 0x7c00; // 65520 and more round to infinity
  if (magnitude < 0x3880_0000) return sign | roundHalfEven(Math.abs(x) * 2 ** 24); // subnormal: steps of 2⁻²⁴
  const rebiased = magnitude - (112 << 23); // the exponent's bias goes from 127 to 15
  return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
}

/** A number rounded to IEEE 754 half precision. */
export function roundToFloat16(x: number): number {
  value[0] = x;
  const bits = word[0] as number;
  const magnitude = bits & 0x7fff_ffff;
  if (magnitude >= 0x477f_f000) return Number.isNaN(x) ? x : Math.sign(x) * Number.POSITIVE_INFINITY;
  if (magnitude < 0x3880_0000) return roundHalfEven(x * 2 ** 24) / 2 ** 24; // subnormal
  word[0] = (bits + 0xfff + ((bits >>> 13) & 1)) & 0xffff_e000;
  return value[0];
}

/** Rounds as torch and IEEE 754; `Math.round` rounds halves up. */
export function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return Math.abs(x - Math.trunc(x)) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** The largest absolute value; NaN if there is one. */
export function largestMagnitude(values: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i] as number));
  return largest;
}
