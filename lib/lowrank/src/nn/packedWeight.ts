/** The interface of a frozen weight in another number format than float32. */
import type { tf } from '../runtime';
import type { Module } from './module';

/** The storage of the rows of a weight (out, in): `int8` has one scale per row, the last three are blocks of GGML. */
export type RowFormat = 'float32' | 'bfloat16' | 'int8' | 'Q4_0' | 'Q4_1' | 'Q8_0';

/** A frozen weight in another number format than float32. */
export interface PackedWeight extends Module {
  /** The name of the format, for messages and reports. */
  readonly format: string;
  /** O, the number of rows. */
  readonly rows: number;
  /** I, the number of values in a row. */
  readonly columns: number;
  /** [O, I]. */
  readonly shape: readonly [number, number];
  /** The number of values. */
  readonly size: number;
  /** The stored weight, and its scales if the format has them; undefined for a format that no native product reads. @internal */
  readonly rowParts: { readonly format: RowFormat; readonly parts: readonly tf.Tensor[] } | undefined;
  readonly isDisposed: boolean;
  /** The values as float32. Shapes: → (O, I). */
  unpack(): tf.Tensor2D;
}
