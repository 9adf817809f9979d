/**
 * Decodes the block formats of GGML to 32-bit floats; `d` is the scale of a block, `m` its minimum, `q` a stored integer.
 *
 * Layouts and formulas: `ggml-common.h` and `dequantize_row_*` of llama.cpp. Every product below is exact in double precision, so each
 * result is rounded once, as in the reference.
 */
import { float16Table } from '../dtypes';

interface BlockFormat {
  /** Values per block. */
  readonly values: number;
  /** Bytes per block. */
  readonly bytes: number;
  /** Reads the block at byte `at` into `out`, from index `to` on. */
  readonly decode: (block: DataView, at: number, out: Float32Array, to: number) => void;
}

let half: Float32Array = new Float32Array(); // `dequantize` makes the table, which takes a while, when the first bytes come
const readHalf = (block: DataView, at: number) => half[block.getUint16(at, true)] as number;

/**
 * 32 values `x = d·q + m`, or `x = d·(q − half the range)` without a minimum; the low nibbles hold values 0…15, the high ones 16…31. The
 * fifth bits of all values, if they have one, precede the nibbles.
 */
function nibbleBlock({ hasMinimum, hasFifths }: { readonly hasMinimum: boolean; readonly hasFifths: boolean }): BlockFormat {
  const centre = hasMinimum ? 0 : hasFifths ? 16 : 8;
  const fifthsAt = hasMinimum ? 4 : 2;
  const pairsAt = fifthsAt + (hasFifths ? 4 : 0);
  return {
    values: 32,
    bytes: pairsAt + 16,
    decode: (block, at, out, to) => {
      const d = readHalf(block, at);
      const m = hasMinimum ? readHalf(block, at + 2) : -0; // which leaves −0 as it is
      const fifths = hasFifths ? block.getUint32(at + fifthsAt, true) : 0;
      for (let i = 0; i < 16; i++) {
        const pair = block.getUint8(at + pairsAt + i);
        out[to + i] = d * (((pair & 15) | (((fifths >>> i) & 1) << 4)) - centre) + m;
        out[to + i + 16] = d * (((pair >> 4) | (((fifths >>> (i + 16)) & 1) << 4)) - centre) + m;
      }
    },
  };
}

/** The GGML tensor types that this library reads, by their GGML names. */
export const GGML_FORMATS = {
  F32: {
    values: 1,
    bytes: 4,
    decode: (block, at, out, to) => {
      out[to] = block.getFloat32(at, true);
    },
  },
  F16: {
    values: 1,
    bytes: 2,
    decode: (block, at, out, to) => {
      out[to] = readHalf(block, at);
    },
  },
  BF16: {
    values: 1,
    bytes: 2,
    decode: (block, at, out, to) => {
      scratch.setUint16(0, block.getUint16(at, true));
      out[to] = scratch.getFloat32(0);
    },
  },
  /** `x = d·q`, q in −128…127. */
  Q8_0: {
    values: 32,
    bytes: 34,
    decode: (block, at, out, to) => {
      const d = readHalf(block, at);
      for (let i = 0; i < 32; i++) out[to + i] = d * block.getInt8(at + 2 + i);
    },
  },
  Q4_0: nibbleBlock({ hasMinimum: false, hasFifths: false }),
  Q4_1: nibbleBlock({ hasMinimum: true, hasFifths: false }),
  Q5_0: nibbleBlock({ hasMinimum: false, hasFifths: true }),
  Q5_1: nibbleBlock({ hasMinimum: true, hasFifths: true }),
  /** `x = (d·s)·q − (m·t)`, with 6-bit s and t for each of the 8 runs of 32 values. */
  Q4_K: {
    values: 256,
    bytes: 144,
    decode: (block, at, out, to) => {
      const d = readHalf(block, at);
      const m = readHalf(block, at + 2);
      for (let run = 0; run < 8; run++) {
        const scale = d * scaleOfRun(block, at + 4, run);
        const minimum = m * minimumOfRun(block, at + 4, run);
        const nibbles = at + 16 + 32 * (run >> 1);
        const shift = 4 * (run & 1);
        for (let i = 0; i < 32; i++) out[to + 32 * run + i] = scale * ((block.getUint8(nibbles + i) >> shift) & 15) - minimum;
      }
    },
  },
  /** `x = (d·s)·(q − 32)`, with an 8-bit s for each 16 values; the low 4 and the high 2 bits of q are stored apart. */
  Q6_K: {
    values: 256,
    bytes: 210,
    decode: (block, at, out, to) => {
      const d = readHalf(block, at + 208);
      for (let run = 0; run < 8; run++) {
        const lows = at + 64 * (run >> 2) + 32 * (run & 1);
        const highs = at + 128 + 32 * (run >> 2);
        const lowShift = 2 * (run & 2);
        const highShift = 2 * (run & 3);
        for (let i = 0; i < 32; i++) {
          const q = ((block.getUint8(lows + i) >> lowShift) & 15) | (((block.getUint8(highs + i) >> highShift) & 3) << 4);
          out[to + 32 * run + i] = d * block.getInt8(at + 192 + 2 * run + (i >> 4)) * (q - 32);
        }
      }
    },
  },
} as const satisfies Record<string, BlockFormat>;

const scratch = new DataView(new ArrayBuffer(4)); // big-endian: a bfloat16 is the first half of a float32

/** All GGML type names by number (`ggml_type`), supported here or not; some numbers are no longer in use. */
export const GGML_NAMES: readonly string[] = [
  ...['F32', 'F16', 'Q4_0', 'Q4_1', '', '', 'Q5_0', 'Q5_1', 'Q8_0', 'Q8_1', 'Q2_K', 'Q3_K', 'Q4_K', 'Q5_K', 'Q6_K', 'Q8_K'],
  ...['IQ2_XXS', 'IQ2_XS', 'IQ3_XXS', 'IQ1_S', 'IQ4_NL', 'IQ3_S', 'IQ2_S', 'IQ4_XS', 'I8', 'I16', 'I32', 'I64', 'F64', 'IQ1_M'],
  ...['BF16', '', '', '', 'TQ1_0', 'TQ2_0', '', '', '', 'MXFP4', 'NVFP4', 'Q1_0', 'Q2_0'],
];

/** A GGML tensor type that this library reads. */
export type GgmlType = keyof typeof GGML_FORMATS;

/**
 * Decodes the bytes to 32-bit floats, in the same order.
 *
 * @param out receives the values and is returned. @defaultValue a new array
 */
export function dequantize(type: GgmlType, bytes: Uint8Array, out?: Float32Array): Float32Array {
  const { values, bytes: blockBytes, decode }: BlockFormat = GGML_FORMATS[type];
  half = float16Table();
  const blocks = bytes.byteLength / blockBytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const floats = out ?? new Float32Array(blocks * values);
  for (let block = 0; block < blocks; block++) decode(view, block * blockBytes, floats, block * values);
  return floats;
}

/** The low 6 bits of bytes 0…3 for runs 0…3; later runs take their upper 2 bits from the top of those bytes (`get_scale_min_k4`). */
function scaleOfRun(block: DataView, at: number, run: number): number {
  if (run < 4) return block.getUint8(at + run) & 63;
  return (block.getUint8(at + run + 4) & 15) | ((block.getUint8(at + run - 4) >> 6) << 4);
}

function minimumOfRun(block: DataView, at: number, run: number): number {
  if (run < 4) return block.getUint8(at + run + 4) & 63;
  return (block.getUint8(at + run + 4) >> 4) | ((block.getUint8(at + run) >> 6) << 4);
}
