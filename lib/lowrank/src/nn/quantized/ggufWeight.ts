/** Weights in llama.cpp's blocks of 32 values, as in its files. */
import { GGML_FORMATS } from '../../io/gguf/dequantize';
import { tf, UnsupportedError } from '../../runtime';
import { bitcast, convert, nibbles, reshapePacked, slicePacked } from '../../runtime/compile/graph/numberFormats';
import { packedVariable, QuantizedRows, type RowPick, rowRuns, type WeightRows } from './quantizedWeight';
import { float16Code } from './rounding';

/** A block format of GGML that stays packed in memory; `GGML_FORMATS` has the formulas. */
export type GgufBlockType = keyof typeof DECODERS;

/** Values per block, the same for all three formats. */
const BLOCK = GGML_FORMATS.Q4_1.values;

export function isGgufBlockType(format: string): format is GgufBlockType {
  return Object.hasOwn(DECODERS, format);
}

/** Whether rows of this many values are a whole number of blocks. */
export function isWholeBlocks(columns: number): boolean {
  return columns % BLOCK === 0;
}

/** A weight in the blocks of a GGUF file; each row is padded to whole words. */
export class GgufWeight extends QuantizedRows {
  /** Takes ownership of the variable. Shapes: words (O, ⌈bytes of I/32 blocks / 4⌉), int32. */
  constructor(
    readonly format: GgufBlockType,
    readonly words: tf.Variable,
    columns: number,
  ) {
    super(words.shape[0] ?? 0, columns);
  }

  /** Blocks as a file has them. Shapes: bytes of [O, I]. */
  static fromBytes(format: GgufBlockType, [O, I]: readonly [number, number], bytes: Uint8Array): GgufWeight {
    const rowBytes = (I / BLOCK) * GGML_FORMATS[format].bytes;
    const width = 4 * Math.ceil(rowBytes / 4);
    const stored = new Uint8Array(O * width);
    for (let row = 0; row < O; row++) stored.set(bytes.subarray(row * rowBytes, (row + 1) * rowBytes), row * width);
    return new GgufWeight(format, packedVariable(stored, [O, width / 4]), I);
  }

  /**
   * Quantises to Q4_1 as llama.cpp does (`quantize_row_q4_1_ref`): `x ≈ d·q + m` with m the block's least value and d a fifteenth of
   * its range.
   *
   * @throws UnsupportedError when a row is not a whole number of blocks.
   */
  static packQ4_1(rows: WeightRows): GgufWeight {
    const [O, I] = rows.shape;
    if (!isWholeBlocks(I)) throw new UnsupportedError(`rows of ${I} values cannot be stored as q4_1, which has blocks of ${BLOCK}`);
    const bytes = new Uint8Array(((O * I) / BLOCK) * GGML_FORMATS.Q4_1.bytes);
    const view = new DataView(bytes.buffer);
    for (const { begin, values } of rowRuns(rows)) {
      for (let at = 0; at < values.length; at += BLOCK) {
        packQ4_1Block(values.subarray(at, at + BLOCK), view, ((begin * I + at) / BLOCK) * GGML_FORMATS.Q4_1.bytes);
      }
    }
    return GgufWeight.fromBytes('Q4_1', [O, I], bytes);
  }

  override get rowParts() {
    return { format: this.format, parts: [this.words] };
  }

  protected packed(rows: WeightRows): GgufWeight {
    if (this.format === 'Q4_1') return GgufWeight.packQ4_1(rows);
    throw new UnsupportedError(
      `values cannot be stored as ${this.format}, which is read from files only: take another dtype, as in mergeAndUnload({ dtype: 'float32' })`,
    );
  }

  protected unpackPicked(pick: RowPick): tf.Tensor2D {
    const words = pick(this.words);
    const [N = 0, W = 0] = words.shape;
    const blocks = this.columns / BLOCK;
    const { bytes: blockBytes } = GGML_FORMATS[this.format];
    const rowBytes = blocks * blockBytes;
    const all = reshapePacked(bitcast(words, 'int32', 'uint8'), 'uint8', [N, 4 * W]);
    const kept = 4 * W === rowBytes ? all : slicePacked(all, 'uint8', 0, rowBytes);
    const bytes = reshapePacked(kept, 'uint8', [N, blocks, blockBytes]);
    return DECODERS[this.format](bytes).reshape([N, this.columns]);
  }
}

/** The values of blocks, from their bytes. Shapes: (N, blocks, bytes) → (N, blocks, 32). */
const DECODERS = {
  Q4_0: (bytes: tf.Tensor) => fourBits(bytes, 2).sub(8).mul(half(bytes, 0)),
  Q4_1: (bytes: tf.Tensor) => fourBits(bytes, 4).mul(half(bytes, 0)).add(half(bytes, 2)),
  Q8_0: (bytes: tf.Tensor) => {
    const codes = bitcast(slicePacked(bytes, 'uint8', 2, BLOCK), 'uint8', 'int8');
    return convert(codes, 'int8', 'float32').mul(half(bytes, 0));
  },
};

/** The 16-bit float at byte `at` of each block. Shapes: (N, blocks, bytes) → (N, blocks, 1). */
function half(bytes: tf.Tensor, at: number): tf.Tensor {
  const code = bitcast(slicePacked(bytes, 'uint8', at, 2), 'uint8', 'float16'); // (N, blocks)
  return convert(code, 'float16', 'float32').expandDims(-1);
}

/** The low nibbles of 16 bytes are values 0…15, the high ones 16…31. Shapes: (N, blocks, bytes) → (N, blocks, 32). */
function fourBits(bytes: tf.Tensor, at: number): tf.Tensor {
  return tf.concat(nibbles(slicePacked(bytes, 'uint8', at, BLOCK / 2)), -1);
}

function packQ4_1Block(values: Float32Array, view: DataView, at: number): void {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const d = Math.fround(Math.fround(most - least) / 15);
  const factor = d === 0 ? 0 : Math.fround(1 / d);
  view.setUint16(at, float16Code(d), true);
  view.setUint16(at + 2, float16Code(least), true);
  const code = (i: number) => {
    const steps = Math.fround(Math.fround((values[i] as number) - least) * factor);
    return Math.min(15, Math.trunc(Math.fround(steps + 0.5)));
  };
  for (let i = 0; i < BLOCK / 2; i++) view.setUint8(at + 4 + i, code(i) | (code(i + BLOCK / 2) << 4));
}
