/** Weights at 8 bits, one scale per output. */
import type { tf } from '../../runtime';
import { bitcast, convert } from '../../runtime/compile/graph/numberFormats';
import { frozenVariable, packedVariable, QuantizedRows, type RowPick, rowRuns, type WeightRows } from './quantizedWeight';
import { largestMagnitude, roundHalfEven, roundToFloat16 } from './rounding';

/** `1/127` as bitsandbytes rounds it. */
const PER_STEP = Math.fround(7.874015718698502e-3);

/**
 * A weight in 8 bits: `w = q·s/127` with q in −127…127 and s the largest absolute value of the row, as bitsandbytes keeps weights
 * for LLM.int8() (Dettmers et al. 2022, arXiv 2208.07339, section 2.1), which it rounds to float16 first. Products are taken in float32:
 * activations are not quantised.
 */
export class Int8Weight extends QuantizedRows {
  readonly format = 'int8';

  /** Takes ownership of the variables. Shapes: words (O, ⌈I/4⌉), int32; scales (O, 1). */
  constructor(
    readonly words: tf.Variable,
    readonly scales: tf.Variable,
    columns: number,
  ) {
    super(words.shape[0] ?? 0, columns);
  }

  static pack(rows: WeightRows): Int8Weight {
    const [O, I] = rows.shape;
    const width = 4 * Math.ceil(I / 4);
    const codes = new Int8Array(O * width);
    const scales = new Float32Array(O);
    for (const { begin, values } of rowRuns(rows)) {
      for (let row = begin, at = 0; at < values.length; row++, at += I) {
        scales[row] = packRow(values.subarray(at, at + I), codes.subarray(row * width));
      }
    }
    return new Int8Weight(packedVariable(new Uint8Array(codes.buffer), [O, width / 4]), frozenVariable(scales, [O, 1]), I);
  }

  override get rowParts() {
    return { format: this.format, parts: [this.words, this.scales] } as const;
  }

  protected packed(rows: WeightRows): Int8Weight {
    return Int8Weight.pack(rows);
  }

  protected unpackPicked(pick: RowPick): tf.Tensor2D {
    const words = pick(this.words);
    const [N = 0, W = 0] = words.shape;
    const codes = convert(bitcast(words, 'int32', 'int8'), 'int8', 'float32').reshape([N, 4 * W]);
    return codes.slice([0, 0], [N, this.columns]).mul(pick(this.scales)).mul(PER_STEP) as tf.Tensor2D;
  }
}

/** Fills `codes` and returns the scale; a row of zeros has scale 0. */
function packRow(row: Float32Array, codes: Int8Array): number {
  const values = row.map(roundToFloat16);
  const scale = largestMagnitude(values);
  if (scale === 0) return 0;
  const steps = Math.fround(127 / scale);
  for (let i = 0; i < values.length; i++) codes[i] = roundHalfEven(Math.fround((values[i] as number) * steps));
  return scale;
}
