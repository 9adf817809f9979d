/** One implementation of an operation, for the programs, processors and sizes that it serves. */
import type { tf } from '../../runtime';

export interface Kernel<Operands extends readonly unknown[]> {
  /** Whether the traced function can use it for these operands. */
  fits(...operands: Operands): boolean;
  /** The operation's result, with its gradient. Only for operands that fit. */
  run(...operands: Operands): tf.Tensor;
}
