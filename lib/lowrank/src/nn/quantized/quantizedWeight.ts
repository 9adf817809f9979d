/** A frozen weight in fewer bits than float32, unpacked when it is used. */
import { ShapeError, tf } from '../../runtime';
import { Module } from '../module';
import type { PackedWeight } from '../packedWeight';

/** A weight in a file, read some rows at a time. */
export interface WeightRows {
  /** O and I: a projection's weight is [out, in], as in Hugging Face's and in GGUF files. */
  readonly shape: readonly [rows: number, columns: number];
  /** The rows from `begin` up to but not including `end`, as 32-bit floats. */
  read(begin: number, end: number): Float32Array;
}

/**
 * A packed weight, in variables that are never trained.
 *
 * Its layout is that of files, (out, in), so blocks are copied from a file unchanged: a projection is `x·Wᵀ`. Only the operation that uses
 * the unpacked values holds them.
 */
export abstract class QuantizedWeight extends Module implements PackedWeight {
  /** The name of the format, for messages and reports. */
  abstract readonly format: string;

  protected constructor(
    readonly rows: number,
    readonly columns: number,
  ) {
    super();
  }

  /** [O, I]. */
  get shape(): readonly [number, number] {
    return [this.rows, this.columns];
  }

  /** The number of parameters. */
  get size(): number {
    return this.rows * this.columns;
  }

  /** Its bytes in memory. */
  get byteLength(): number {
    return [...this.ownParameters()].reduce((bytes, [, { size }]) => bytes + 4 * size, 0);
  }

  /** Whether its variables were freed. */
  get isDisposed(): boolean {
    return [...this.ownParameters()].some(([, variable]) => variable.isDisposed);
  }

  /** The values as 32-bit floats. Shapes: → (O, I). */
  abstract unpack(): tf.Tensor2D;

  /** The operands of native products of few rows, for a format that they support. @internal */
  get rowParts(): PackedWeight['rowParts'] {
    return undefined;
  }

  /** Packs other values into the same format. */
  protected abstract packed(rows: WeightRows): QuantizedWeight;

  /** Packs a tensor's values; a format that can do it on the device overrides this. Shapes: values (O, I). */
  protected packedTensor(values: tf.Tensor2D): QuantizedWeight {
    return this.packed(rowsOf(values));
  }

  /** Replaces the values, rounded to the format. Shapes: values (O, I). */
  assign(values: tf.Tensor): void {
    if (values.shape.join() !== this.shape.join()) {
      throw new ShapeError(`a stored weight of shape [${this.shape}] cannot take on values of shape [${values.shape}]`);
    }
    const other = this.packedTensor(values as tf.Tensor2D);
    const others = new Map(other.ownParameters());
    for (const [name, variable] of this.ownParameters()) variable.assign(others.get(name) ?? variable);
    other.dispose();
  }

  /** It counts as one weight, whatever its variables. */
  override *ownSizes(): IterableIterator<readonly [tf.Variable, number]> {
    for (const [index, [, variable]] of [...this.ownParameters()].entries()) yield [variable, index === 0 ? this.size : 0];
  }
}

/** Takes the same N rows from each variable of a weight. Shapes: (O, W) → (N, W). */
export type RowPick = (variable: tf.Variable) => tf.Tensor;

/** A packed weight whose rows can be unpacked one by one, as a table of token vectors needs: each of its variables has a row per row. */
export abstract class QuantizedRows extends QuantizedWeight {
  unpack(): tf.Tensor2D {
    return tf.tidy(() => this.unpackPicked((variable) => variable));
  }

  /** Some rows as 32-bit floats. Shapes: ids (N), int32 → (N, I). */
  unpackRows(ids: tf.Tensor): tf.Tensor2D {
    return tf.tidy(() => this.unpackPicked((variable) => tf.gather(variable, ids)));
  }

  /** Consecutive rows. Shapes: → (count, I). */
  unpackRun(begin: number, count: number): tf.Tensor2D {
    return tf.tidy(() => this.unpackPicked((variable) => variable.slice([begin, 0], [count, -1])));
  }

  /** The values of the selected rows. Shapes: → (N, I). */
  protected abstract unpackPicked(pick: RowPick): tf.Tensor2D;
}

/** A tensor in memory as rows to be packed. Shapes: (O, I). */
export function rowsOf(values: tf.Tensor): WeightRows {
  const [rows = 0, columns = 0] = values.shape;
  const data = values.dataSync<'float32'>();
  return { shape: [rows, columns], read: (begin, end) => data.subarray(begin * columns, end * columns) };
}

/** Number of values read at a time: buffers stay small beside the weight. */
const CHUNK = 2 ** 18;

/** Reads all rows, in runs of whole groups of `group` rows. */
export function* rowRuns({ shape: [rows, columns], read }: WeightRows, group = 1): Generator<{ begin: number; values: Float32Array }> {
  const step = group * Math.max(1, Math.floor(CHUNK / (group * columns)));
  for (let begin = 0; begin < rows; begin += step) yield { begin, values: read(begin, Math.min(begin + step, rows)) };
}

/** A variable of packed integers, which no optimizer changes. Shapes: the bytes of an (A, B) int32 tensor. */
export function packedVariable(bytes: Uint8Array, shape: readonly number[]): tf.Variable {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return tf.tidy(() => tf.variable(tf.tensor(words, [...shape], 'int32'), false));
}

/** A variable of 32-bit floats, which no optimizer changes. */
export function frozenVariable(values: Float32Array, shape: readonly number[]): tf.Variable {
  return tf.tidy(() => tf.variable(tf.tensor(values, [...shape]), false));
}
