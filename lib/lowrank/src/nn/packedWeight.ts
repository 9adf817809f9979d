/** A frozen weight that is stored in another number format than float32, as layers see it. */
import type { tf } from '../runtime';
import type { Module } from './module';

/** How the rows of a weight (out, in) are stored: `int8` has one scale for each row, the last three are blocks of GGML. */
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
  /** How many values it stands for. */
  readonly size: number;
  /** The stored weight, and its scales where the format has some; undefined for a format that no native product reads. @internal */
  readonly rowParts: { readonly format: RowFormat; readonly parts: readonly tf.Tensor[] } | undefined;
  readonly isDisposed: boolean;
  /** The values as float32. Shapes: → (O, I). */
  unpack(): tf.Tensor2D;
}
