/** Weights at 16 bits: the upper half of a float32. */
import { tf } from '../../runtime';
import { bitcast, convert, reshapePacked, slicePacked } from '../../runtime/compile/graph/numberFormats';
import { frozenVariable, QuantizedRows, type RowPick, rowRuns, type WeightRows } from './quantizedWeight';
import { bfloat16Code } from './rounding';

/**
 * A weight in bfloat16, two values per word; a row with an odd number of values ends with an unused half word.
 *
 * The words have type float32, though they are no floats: TensorFlow may keep int32 tensors of a GPU in the host's memory.
 */
export class Bfloat16Weight extends QuantizedRows {
  readonly format = 'bfloat16';

  /** Takes ownership of the variable. Shapes: words (O, ⌈I/2⌉). */
  constructor(
    readonly words: tf.Variable,
    columns: number,
  ) {
    super(words.shape[0] ?? 0, columns);
  }

  /** Rounds to nearest, ties to even. */
  static pack(rows: WeightRows): Bfloat16Weight {
    const [, I] = rows.shape;
    return Bfloat16Weight.fromCodes(rows.shape, (codes, width) => {
      for (const { begin, values } of rowRuns(rows)) {
        for (let row = begin, at = 0; at < values.length; row++) {
          for (let i = 0; i < I; i++, at++) codes[row * width + i] = bfloat16Code(values[at] as number);
        }
      }
    });
  }

  /** Values that a file has in bfloat16. Shapes: bytes of [O, I]. */
  static fromBytes(shape: readonly [number, number], bytes: Uint8Array): Bfloat16Weight {
    const given = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
    return Bfloat16Weight.fromCodes(shape, (codes, width) => {
      const [O, I] = shape;
      for (let row = 0; row < O; row++) codes.set(given.subarray(row * I, (row + 1) * I), row * width);
    });
  }

  private static fromCodes([O, I]: readonly [number, number], fill: (codes: Uint16Array, width: number) => void): Bfloat16Weight {
    const width = 2 * Math.ceil(I / 2);
    const codes = new Uint16Array(O * width);
    fill(codes, width);
    return new Bfloat16Weight(frozenVariable(new Float32Array(codes.buffer), [O, width / 2]), I);
  }

  /** Rounds on the device, without a copy in the host's memory. Shapes: values (O, I). */
  static fromTensor(values: tf.Tensor2D): Bfloat16Weight {
    const [O, I] = values.shape;
    const W = Math.ceil(I / 2);
    const words = tf.tidy(() => {
      const whole = values.pad([
        [0, 0],
        [0, 2 * W - I],
      ]);
      const pairs = reshapePacked(convert(whole, 'float32', 'bfloat16'), 'bfloat16', [O, W, 2]);
      return tf.variable(bitcast(pairs, 'bfloat16', 'float32'), false);
    });
    return new Bfloat16Weight(words, I);
  }

  override get rowParts() {
    return { format: this.format, parts: [this.words] } as const;
  }

  protected override packedTensor(values: tf.Tensor2D): Bfloat16Weight {
    return Bfloat16Weight.fromTensor(values);
  }

  protected packed(rows: WeightRows): Bfloat16Weight {
    return Bfloat16Weight.pack(rows);
  }

  /** The cast comes last: a compiled function that needs bfloat16 uses the values before it. */
  protected unpackPicked(pick: RowPick): tf.Tensor2D {
    const words = pick(this.words);
    const [N = 0, W = 0] = words.shape;
    const halves = reshapePacked(bitcast(words, 'float32', 'bfloat16'), 'bfloat16', [N, 2 * W]);
    const kept = 2 * W === this.columns ? halves : slicePacked(halves, 'bfloat16', 0, this.columns);
    return convert(kept, 'bfloat16', 'float32') as tf.Tensor2D;
  }
}
