/** Weights at 4 bits: NormalFloat 4 with double quantisation. */
import { tf } from '../../runtime';
import { bitcast, lookUp } from '../../runtime/compile/graph/numberFormats';
import { boundsOf, DYNAMIC_CODE, NF4_CODE, nearestCode } from './nf4Codes';
import { frozenVariable, packedVariable, QuantizedWeight, rowRuns, type WeightRows } from './quantizedWeight';
import { largestMagnitude } from './rounding';

/** The number of values per scale, and of scales per second-level scale. */
const BLOCK = 64;
const NESTED_BLOCK = 256;

/** The variables of a weight in NF4. */
export interface Nf4Parts {
  /** Two codes per byte, the first in the high bits, as in bitsandbytes. Shapes: (⌈O·I/64⌉·8), int32. */
  readonly words: tf.Variable;
  /** The codes of the blocks' scales, one per byte, in whole runs of 256. Shapes: (nested blocks · 64), int32. */
  readonly absmax: tf.Variable;
  /** The scale of each run of scales. Shapes: (nested blocks, 1). */
  readonly nestedAbsmax: tf.Variable;
  /** The mean of the scales. Shapes: (1). */
  readonly nestedOffset: tf.Variable;
}

/**
 * A weight in NF4 with double quantisation (Dettmers et al. 2023, "QLoRA", arXiv 2305.14314, section 3), as bitsandbytes defines it.
 *
 * `w = NF4[q]·c` for 64 consecutive values, in the file's order, with the scale `c = D[p]·s + m`: D is the dynamic 8-bit code,
 * s one float32 per 256 scales, and m the mean of all scales. That is 4 + 8/64 + 32/(64·256) = 4.127 bits per value.
 */
export class Nf4Weight extends QuantizedWeight {
  readonly format = 'nf4';
  readonly words: tf.Variable;
  readonly absmax: tf.Variable;
  readonly nestedAbsmax: tf.Variable;
  readonly nestedOffset: tf.Variable;

  /** Takes ownership of the variables. */
  constructor([rows, columns]: readonly [number, number], { words, absmax, nestedAbsmax, nestedOffset }: Nf4Parts) {
    super(rows, columns);
    this.words = words;
    this.absmax = absmax;
    this.nestedAbsmax = nestedAbsmax;
    this.nestedOffset = nestedOffset;
  }

  static pack(rows: WeightRows): Nf4Weight {
    const [O, I] = rows.shape;
    const blocks = Math.ceil((O * I) / BLOCK);
    const codes = new Uint8Array((blocks * BLOCK) / 2).fill(17 * NF4_ZERO);
    const absmax = new Float32Array(blocks);
    for (const { begin, values } of rowRuns(rows, BLOCK / commonDivisor(BLOCK, I))) {
      for (let at = 0, block = (begin * I) / BLOCK; at < values.length; at += BLOCK, block++) {
        absmax[block] = packBlock(values.subarray(at, at + BLOCK), codes.subarray((block * BLOCK) / 2));
      }
    }
    return new Nf4Weight(rows.shape, { words: packedVariable(codes, [codes.length / 4]), ...packScales(absmax) });
  }

  unpack(): tf.Tensor2D {
    return tf.tidy(() => {
      const scales = this.scales();
      const pairs = lookUp(PAIRS(), bitcast(this.words, 'int32', 'uint8')); // (words, 4, 2)
      const values = pairs.reshape([-1, BLOCK]).mul(scales).reshape([-1]);
      return values.slice([0], [this.size]).reshape([this.rows, this.columns]);
    });
  }

  protected packed(rows: WeightRows): Nf4Weight {
    return Nf4Weight.pack(rows);
  }

  /** Shapes: → (blocks, 1). */
  private scales(): tf.Tensor {
    const blocks = (8 * this.words.size) / BLOCK;
    const codes = lookUp(tf.tensor1d(DYNAMIC_CODE), bitcast(this.absmax, 'int32', 'uint8'));
    const scales = codes.reshape([-1, NESTED_BLOCK]).mul(this.nestedAbsmax).add(this.nestedOffset);
    return scales.reshape([-1]).slice([0], [blocks]).reshape([blocks, 1]);
  }
}

/** Both values of every byte, in their order. Shapes: → (256, 2). */
const PAIRS = () => tf.tensor2d(PAIR_VALUES, [256, 2]);
const PAIR_VALUES = Float32Array.from({ length: 512 }, (_, i) => {
  const byte = i >> 1;
  return NF4_CODE[i & 1 ? byte & 15 : byte >> 4] as number;
});

const NF4_ZERO = NF4_CODE.indexOf(0);
const NF4_BOUNDS = boundsOf(NF4_CODE);
const DYNAMIC_BOUNDS = boundsOf(DYNAMIC_CODE);
const SMALLEST_SCALE = Math.fround(1e-38);

/** The code of the lowest number in each of the equal parts of −1…1; that of any other number is the same or the next. */
const PARTS = 128;
const LOWEST = Uint8Array.from({ length: 2 * PARTS + 1 }, (_, part) => nearestCode(NF4_BOUNDS, part / PARTS - 1));
/** Up to which number each code is the nearest. */
const UP_TO = Float64Array.of(...NF4_BOUNDS, Number.POSITIVE_INFINITY);

function nf4Code(value: number): number {
  const lowest = LOWEST[(value * PARTS + PARTS) | 0] as number;
  return value > (UP_TO[lowest] as number) ? lowest + 1 : lowest;
}

/** Fills the codes of a block and returns its scale. */
function packBlock(values: Float32Array, codes: Uint8Array): number {
  const absmax = largestMagnitude(values);
  const factor = Math.fround(1 / Math.max(absmax, SMALLEST_SCALE));
  for (let i = 0; i < values.length; i += 2) {
    const first = nf4Code(Math.fround((values[i] as number) * factor));
    const second = i + 1 < values.length ? nf4Code(Math.fround((values[i + 1] as number) * factor)) : NF4_ZERO;
    codes[i >> 1] = (first << 4) | second;
  }
  return absmax;
}

/** Quantises the blocks' scales in turn. */
function packScales(absmax: Float32Array): Omit<Nf4Parts, 'words'> {
  const offset = Math.fround(absmax.reduce((sum, scale) => sum + scale, 0) / absmax.length);
  const centred = absmax.map((scale) => scale - offset);
  const runs = Math.ceil(absmax.length / NESTED_BLOCK);
  const codes = new Uint8Array(runs * NESTED_BLOCK);
  const nested = new Float32Array(runs);
  for (let run = 0; run < runs; run++) {
    const scales = centred.subarray(run * NESTED_BLOCK, (run + 1) * NESTED_BLOCK);
    const largest = largestMagnitude(scales);
    const factor = Math.fround(1 / Math.max(largest, SMALLEST_SCALE));
    for (const [i, scale] of scales.entries()) codes[run * NESTED_BLOCK + i] = nearestCode(DYNAMIC_BOUNDS, Math.fround(scale * factor));
    nested[run] = largest;
  }
  return {
    absmax: packedVariable(codes, [codes.length / 4]),
    nestedAbsmax: frozenVariable(nested, [runs, 1]),
    nestedOffset: frozenVariable(Float32Array.of(offset), [1]),
  };
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
