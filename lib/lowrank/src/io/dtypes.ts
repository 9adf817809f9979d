/** The number formats of stored tensors, and their conversion to 32-bit floats. */

/** The safetensors dtypes of this library, as typed arrays; the codes of floats that JavaScript lacks are whole numbers. */
export const DTYPES = {
  BOOL: Uint8Array,
  U8: Uint8Array,
  I8: Int8Array,
  F8_E5M2: Uint8Array,
  F8_E4M3: Uint8Array,
  I16: Int16Array,
  U16: Uint16Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I32: Int32Array,
  U32: Uint32Array,
  F32: Float32Array,
  F64: Float64Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
} as const;

/** A safetensors dtype that this library reads and writes. */
export type Dtype = keyof typeof DTYPES;

export function isDtype(name: unknown): name is Dtype {
  return typeof name === 'string' && Object.hasOwn(DTYPES, name);
}

export function bytesPerValue(dtype: Dtype): number {
  return DTYPES[dtype].BYTES_PER_ELEMENT;
}

/**
 * Converts stored values to 32-bit floats. F16, BF16 and F8 convert exactly; the others round to nearest.
 *
 * The address of `bytes` must be a multiple of the dtype's size, as in a new buffer.
 *
 * @param out receives the values and is returned. @defaultValue a new array; for F32 a view of the bytes
 */
export function toFloat32(dtype: Dtype, bytes: Uint8Array, out?: Float32Array): Float32Array {
  const View: ViewType = DTYPES[dtype];
  const values = new View(bytes.buffer, bytes.byteOffset, bytes.byteLength / bytesPerValue(dtype));
  if (values instanceof Float32Array && !out) return values;
  const floats = out ?? new Float32Array(values.length);
  if (values instanceof BigInt64Array || values instanceof BigUint64Array) {
    for (let i = 0; i < floats.length; i++) floats[i] = Number(values[i]);
  } else if (dtype === 'BF16') {
    fromBfloat16(values, floats);
  } else if (dtype === 'F16' || dtype === 'F8_E5M2' || dtype === 'F8_E4M3') {
    const table = tableOf(dtype);
    for (let i = 0; i < floats.length; i++) floats[i] = table[values[i] as number] as number;
  } else {
    floats.set(values);
  }
  return floats;
}

/** All half-precision floats, indexed by their 16 bits. */
export function float16Table(): Float32Array {
  return tableOf('F16');
}

type Values = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;
type ViewType = new (buffer: ArrayBufferLike, at: number, length: number) => Values | BigInt64Array | BigUint64Array;

/** A bfloat16 is the upper half of a float32. */
function fromBfloat16(codes: ArrayLike<number>, out: Float32Array): void {
  const bits = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) bits[i] = (codes[i] as number) << 16;
}

const FORMATS = {
  F16: { exponentBits: 5, mantissaBits: 10, hasInfinity: true },
  F8_E5M2: { exponentBits: 5, mantissaBits: 2, hasInfinity: true },
  // Micikevicius et al. 2022, "FP8 formats for deep learning": no infinity, and only S.1111.111 is NaN.
  F8_E4M3: { exponentBits: 4, mantissaBits: 3, hasInfinity: false },
} as const;

const tables = new Map<keyof typeof FORMATS, Float32Array>();

function tableOf(dtype: keyof typeof FORMATS): Float32Array {
  let table = tables.get(dtype);
  if (!table) {
    const count = 2 ** (1 + FORMATS[dtype].exponentBits + FORMATS[dtype].mantissaBits);
    table = Float32Array.from({ length: count }, (_, code) => decodeFloat(dtype, code));
    tables.set(dtype, table);
  }
  return table;
}

/** `(−1)^s · 2^(e − bias) · (1 + m/2^M)`, subnormal at e = 0 (IEEE 754). */
function decodeFloat(dtype: keyof typeof FORMATS, code: number): number {
  const { exponentBits, mantissaBits, hasInfinity } = FORMATS[dtype];
  const mantissa = code & (2 ** mantissaBits - 1);
  const exponent = (code >> mantissaBits) & (2 ** exponentBits - 1);
  const sign = code >> (mantissaBits + exponentBits) ? -1 : 1;
  const bias = 2 ** (exponentBits - 1) - 1;
  const isHighest = exponent === 2 ** exponentBits - 1;
  if (isHighest && hasInfinity) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (isHighest && mantissa === 2 ** mantissaBits - 1) return Number.NaN;
  const fraction = mantissa / 2 ** mantissaBits;
  return exponent === 0 ? sign * 2 ** (1 - bias) * fraction : sign * 2 ** (exponent - bias) * (1 + fraction);
}
